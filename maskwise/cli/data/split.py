"""`maskwise data split`: which row is trained on and which is tested on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import out, say, stages
from maskwise.cli.data.telling import Data, Json, Source, check_output, tell
from maskwise.cli.reading import Alias, Classes, Format, amount, read_data

if TYPE_CHECKING:
    import polars as pl

    from maskwise.data.manifest import Manifest

EACH = "each"
KINDS = ("group", "copy", "picture", "twin", "scene")


def run(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet or .csv.")] = Path(
        "split.parquet"
    ),
    by: Annotated[
        str, typer.Option(help="group, source (test on one of them), random (as the study did) or given (as it is).")
    ] = "group",
    validation: Annotated[str, typer.Option(help="Count of rows, or share below 1.")] = "0.2",
    test: Annotated[
        str, typer.Option(help="Count of rows, or share below 1; by source its name, or 'each' for a file each.")
    ] = "0",
    seed: Annotated[int, typer.Option(min=0, help="Of the lot.")] = 0,
    near: Annotated[
        bool, typer.Option(help="Search for near-duplicates and shootings, and keep them together.")
    ] = True,
    pairs: Annotated[Path | None, typer.Option(help="pairs.parquet of an audit, instead of searching again.")] = None,
    rendered_in_test: Annotated[bool, typer.Option(help="Let rendered pictures into validation and test.")] = False,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Say which row is trained on and which is tested on; people, scenes and copies stay on one side."""
    from maskwise.data.formats import check_trainable
    from maskwise.data.splits import check_by
    from maskwise.data.splits import split as draw

    check_output(output)
    check_by(by)
    by_source = by == "source"
    sizes = {"validation": amount("--validation", validation), "test": test if by_source else amount("--test", test)}
    manifest = read_data(data, format_, alias, classes, source)
    check_trainable(manifest)
    related = _related(manifest, output, pairs) if pairs or near else None
    if by_source and test == EACH:
        sources = sorted(manifest.usable["source"].drop_nulls().unique())
        tests = {output.with_stem(f"{output.stem}-{name.replace('/', '-')}"): name for name in sources}
    else:
        tests = {output: sizes["test"]}
    for place, tested in tests.items():
        drawn = draw(
            manifest,
            by=by,  # type: ignore[arg-type]  # draw checks the word
            validation=sizes["validation"],  # type: ignore[arg-type]
            test=tested,
            seed=seed,
            pairs=related,
            rendered_in_test=rendered_in_test,
        )
        drawn.save(place)
        _prove(drawn, related, place, as_json)


def _related(manifest: Manifest, output: Path, pairs: Path | None) -> pl.DataFrame:
    """What belongs together: as an audit found it, or searched for now."""
    from maskwise.data.audit.related import related
    from maskwise.data.audit.shelf import clear, fill
    from maskwise.data.together import load_pairs

    if pairs:
        return load_pairs(pairs)
    looks = output.with_name(output.name + ".looks")  # kept after an interruption, to go on from
    with stages() as hear:
        shelf = fill(manifest, looks, None, lambda done, total: hear("looking at pictures", done, total))
        found = related(manifest, shelf, hear)
    clear(looks)
    return found


def _prove(manifest: Manifest, related: pl.DataFrame | None, output: Path, as_json: bool) -> None:
    """Count what stands in more than one split; zeros are the proof."""
    from maskwise.data.splits import straddling

    kinds = straddling(manifest, related)["kind"].to_list()
    leaks = {kind: kinds.count(kind) for kind in KINDS}
    tell(manifest, as_json, output=str(output), in_several_splits=leaks)
    if as_json:
        return
    looked = "" if related is not None else " Near-duplicates were not looked for."
    if any(leaks.values()):
        named = ", ".join(f"{count} {_WORDS[kind]}" for kind, count in leaks.items() if count)
        out.print(f"In more than one split: {named}. Figures measured on this split flatter.{looked}", soft_wrap=True)
    else:
        say(f"checked: no group, copy or picture stands in more than one split.{looked}" if looked else _PROVED)


_WORDS = {
    "group": "groups", "copy": "exact copies", "picture": "pictures with several boxes", "twin": "near-duplicates",
    "scene": "pairs of one shooting",
}  # fmt: skip
_PROVED = "checked: no group, copy, near-duplicate or shooting stands in more than one split."
