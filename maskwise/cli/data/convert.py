"""`maskwise data convert`: data sets of any known layout become one in another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import progress, say
from maskwise.cli.data.telling import Data, Json, Source, tell
from maskwise.cli.reading import Alias, Classes, Format, read_data


def run(
    data: Data,
    to: Annotated[str, typer.Option(help="voc, yolo, coco, csv, classes or manifest.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; not there yet, or empty.")],
    pictures: Annotated[
        str, typer.Option(help="copy; link (hard links, where they can be); none (annotations only).")
    ] = "copy",
    crop: Annotated[bool, typer.Option("--crop", help="Cut faces with a box out, for class folders.")] = False,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Write data sets of any known layout as VOC, YOLO, COCO, CSV, class folders or a manifest with its pictures."""
    from maskwise.data.writing import check_request, write_dataset

    check_request(output, to, pictures, crop)
    manifest = read_data(data, format_, alias, classes, source)
    notes: list[str] = []
    with progress("writing pictures") as hook:
        write_dataset(manifest, output, to=to, pictures=pictures, crop=crop, progress=hook, say=notes.append)
    for note in notes:
        say(note)
    tell(manifest, as_json, output=str(output), to=to, notes=notes)
