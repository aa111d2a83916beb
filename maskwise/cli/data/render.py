"""`maskwise data render`: masks and hard negatives drawn on the bare faces of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import progress, say
from maskwise.cli.data.telling import Data, Json, Source, tell
from maskwise.cli.reading import Alias, Classes, Format, read_data

if TYPE_CHECKING:
    from maskwise.data.masks.variants import Mix


def run(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; an interrupted run goes on there.")],
    kinds: Annotated[str, typer.Option(help="Kinds of masks, comma between, or all.")] = "all",
    wearing: Annotated[
        str, typer.Option(help="covering, nose_out, chin, one_ear, forehead; comma between, or all.")
    ] = "covering",
    negatives: Annotated[str, typer.Option(help="Hard negatives: hand, beard, cup; comma between, or all.")] = "",
    each: Annotated[int, typer.Option(help="Pictures of each face.")] = 1,
    grid: Annotated[
        bool, typer.Option("--grid", help="Every cell of the stress grid for each face: shape x height x colour.")
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="The bare face, too, written by the same steps.")] = False,
    photographed: Annotated[
        float, typer.Option(help="Share of masks of real cloth, cut from the faces of DATA that are labelled masked.")
    ] = 0.0,
    size: Annotated[
        int | None, typer.Option(help="Longest side in pixels; larger pictures are made smaller.  [default: as it is]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first so many pictures.")] = None,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Draw masks, or what is easily taken for one, on bare faces; the result is a data set marked as rendered."""
    from maskwise.data.rendering import Render, render_dataset

    mix = _mix(kinds, wearing, negatives, each=each, grid=grid, bare=bare, photographed=photographed)
    render = Render(mix, size_px=size, seed=seed)
    manifest = read_data(data, format_, alias, classes, source)
    with progress("drawing") as hook:
        done = render_dataset(manifest, output, render, limit=limit, progress=hook, say=say)
    if not as_json:
        say(f"{done.manifest.rows.height:,} pictures of {done.faces:,} faces, {done.kept:,} of them kept")
        for reason, count in done.skipped.items():
            say(f"left out: {reason} ({count:,})")
    tell(done.manifest, as_json, output=str(output), faces=done.faces, kept=done.kept, skipped=done.skipped)


def _mix(kinds: str, wearing: str, negatives: str, *, each: int, grid: bool, bare: bool, photographed: float) -> Mix:
    """The request as the library has it."""
    from maskwise.data.masks import KINDS, NEGATIVES, WEARINGS
    from maskwise.data.masks.variants import Mix

    return Mix(
        kinds=_words(kinds, KINDS),
        wearings=_words(wearing, WEARINGS),  # type: ignore[arg-type]  # Mix checks the words
        negatives=_words(negatives, NEGATIVES),
        each=each,
        grid=grid,
        bare=bare,
        photographed=photographed,
    )


def _words(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a flag, each once."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return known if words == ["all"] else tuple(dict.fromkeys(words))
