"""`maskwise data show`: pictures of what is in the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.data.telling import Data, Json, Source, tell
from maskwise.cli.reading import Alias, Classes, Format, read_data

if TYPE_CHECKING:
    from maskwise.data.manifest import Manifest


def run(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for samples, balance and sizes (PNG).")] = Path(
        "data-report"
    ),
    each: Annotated[int, typer.Option(min=1, max=400, help="Sample faces of each class.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of samples.")] = 0,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Draw what is in the data: sample faces, class balance, face sizes; list what cannot be read."""
    manifest = read_data(data, format_, alias, classes, source)
    save_figures(manifest, output, each=each, seed=seed)
    tell(manifest, as_json, output=str(output))


def save_figures(manifest: Manifest, folder: Path, *, each: int = 24, seed: int = 0) -> None:
    """Write samples.png, balance.png and sizes.png.

    Raises:
        DataError: no usable row.
        StorageError: the folder cannot be written.
    """
    from maskwise.data import show as pictures

    pictures.save(pictures.samples(manifest, each=each, seed=seed), folder / "samples.png")
    pictures.save(pictures.balance(manifest), folder / "balance.png")
    pictures.save(pictures.sizes(manifest), folder / "sizes.png")
