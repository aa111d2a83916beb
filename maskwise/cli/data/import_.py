"""`maskwise data import`: any known layout becomes one manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.data.telling import Data, Json, Source, check_output, reasons, tell
from maskwise.cli.reading import Alias, Classes, Format, read_data
from maskwise.errors import DataError


def run(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet or .csv.")] = Path(
        "manifest.parquet"
    ),
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Read data sets of any known layout, prove every picture, and write one manifest."""
    check_output(output)
    manifest = read_data(data, format_, alias, classes, source)
    if not manifest.usable.height:
        raise DataError(f"none of {manifest.rows.height} rows can be used; the first: {reasons(manifest)[0]}")
    manifest.save(output)
    tell(manifest, as_json, output=str(output))
