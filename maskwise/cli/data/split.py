"""`maskwise data split`: which row is trained on and which is tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import out
from maskwise.cli.data.telling import Data, Json, Source, check_output, tell
from maskwise.cli.reading import Alias, Classes, Format, amount, read_data


def run(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet or .csv.")] = Path(
        "split.parquet"
    ),
    by: Annotated[
        str, typer.Option(help="grouped, random (as the study did) or given (the column split).")
    ] = "grouped",
    validation: Annotated[str, typer.Option(help="Count of rows, or share below 1.")] = "0.2",
    test: Annotated[str, typer.Option(help="Count of rows, or share below 1.")] = "0",
    seed: Annotated[int, typer.Option(min=0, help="Of the lot.")] = 0,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Say which row is trained on and which is tested on; people, scenes and copies stay on one side."""
    from maskwise.data.formats import check_trainable
    from maskwise.data.splits import split as draw
    from maskwise.data.splits import straddling

    check_output(output)
    sizes = {"validation": amount("--validation", validation), "test": amount("--test", test)}
    manifest = read_data(data, format_, alias, classes, source)
    check_trainable(manifest)
    manifest = draw(manifest, by=by, seed=seed, **sizes)  # type: ignore[arg-type]  # draw checks the word
    manifest.save(output)
    kinds = straddling(manifest)["kind"].to_list()
    leaks = {kind: kinds.count(kind) for kind in ("group", "copy", "picture")}
    tell(manifest, as_json, output=str(output), in_several_splits=leaks)
    if any(leaks.values()) and not as_json:
        out.print(
            f"In more than one split: {leaks['group']} groups, {leaks['copy']} exact copies, "
            f"{leaks['picture']} pictures with several boxes. Figures measured on this split flatter.",
            soft_wrap=True,
        )
