"""`maskwise check`: every face in the user's pictures, and how its mask is worn."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from maskwise.cli.console import out, say
from maskwise.errors import LabelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

    from maskwise.inference.pipeline import Pipeline
    from maskwise.values import Frame, FrameResult

SYMBOLS = {"masked": "✓", "incorrect": "!", "unmasked": "✗", "uncertain": "?"}


def run(
    sources: Annotated[list[str], typer.Argument(help="Pictures, folders, globs.")],
    model: Annotated[str, typer.Option(help="Folder of the artifact.")] = "default",
    json_: Annotated[bool, typer.Option("--json", help="One JSON a line on stdout, nothing else.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write one row for each face.")] = None,
    annotate: Annotated[Path | None, typer.Option(help="Also write copies with the verdicts drawn in.")] = None,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 if a face has one of these verdicts, comma between.")] = "",
    faces: Annotated[str, typer.Option(help="detect, or whole: each picture is one cut-out face.")] = "detect",
    threshold: Annotated[float | None, typer.Option(help="Confidence below which a verdict is uncertain.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="For the network; 0 takes every core.")] = 0,
) -> None:
    """Find the faces and say of each: masked, incorrect, unmasked or uncertain.

    A picture that cannot be read is a row with its reason. Exit code 1: a verdict of --fail-on was found; 2: not one
    picture could be read.
    """
    from maskwise.inference.checker import load
    from maskwise.inference.sources import expand

    wanted = _verdicts(fail_on)
    checker = load(model, faces=faces, threshold=threshold, threads=threads)  # type: ignore[arg-type]  # load checks it
    _check_asked(wanted, checker.labels)
    results = []
    with _Outputs(json_, csv, annotate) as outputs:
        for frame, result in check(checker.pipeline, expand(sources)):
            outputs.write(frame, result)
            results.append(result)
    if not json_:
        out.print(table(results))
    say(summary(results))
    if all(result.error for result in results):
        raise UsageError("not one picture could be read")
    if any(verdict.label in wanted for result in results for verdict in result.verdicts):
        raise typer.Exit(1)


def check(pipeline: Pipeline, paths: Sequence[Path]) -> Iterator[tuple[Frame | None, FrameResult]]:
    """Each picture with what is said about it; None for one that cannot be read."""
    from maskwise.errors import ImageError
    from maskwise.inference.sources import frames
    from maskwise.values import FrameResult

    for index, (path, frame) in enumerate(zip(paths, frames(paths), strict=True)):
        if isinstance(frame, ImageError):
            yield None, FrameResult.failed(str(path), index, str(frame), pipeline.labels)
        else:
            yield frame, pipeline(frame)


class _Outputs:
    """Whatever the user asked to have written, closed together."""

    def __init__(self, json_: bool, csv: Path | None, annotate: Path | None) -> None:
        from maskwise.inference.sinks import AnnotatedPictures, Csv, JsonLines

        self._sinks = contextlib.ExitStack()
        self._tables = [self._sinks.enter_context(JsonLines(sys.stdout))] if json_ else []
        self._tables += [self._sinks.enter_context(Csv(csv))] if csv else []
        self._pictures = self._sinks.enter_context(AnnotatedPictures(annotate)) if annotate else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._sinks.close()

    def write(self, frame: Frame | None, result: FrameResult) -> None:
        for sink in self._tables:
            sink.write(result)
        if self._pictures and frame:
            self._pictures.write(frame, result)


def _verdicts(text: str) -> set[str]:
    """The names in --fail-on."""
    from maskwise.values import CLASSES, UNCERTAIN

    names = {name.strip() for name in text.split(",") if name.strip()}
    for name in sorted(names - {*CLASSES, UNCERTAIN}):
        raise LabelError(f"--fail-on {name!r} is not a verdict; use {', '.join((*CLASSES, UNCERTAIN))}, comma between")
    return names


def _check_asked(wanted: set[str], labels: Sequence[str]) -> None:
    """A gate that can never close is worse than none."""
    from maskwise.values import UNCERTAIN

    for name in sorted(wanted - {*labels, UNCERTAIN}):
        raise LabelError(f"--fail-on {name}: this model knows only {', '.join(labels)}, so it could never fail on that")


def table(results: Sequence[FrameResult]) -> Table:
    """One row for each face, and for each picture without one."""
    from rich.table import Table

    rows = Table("picture", "face", "verdict", "confidence", "box x y x y", "note")
    for result in results:
        for number, (box, verdict) in enumerate(zip(result.faces.boxes_xyxy, result.verdicts, strict=True), start=1):
            corners = " ".join(f"{v:.0f}" for v in box)
            note = verdict.uncertain_because or ""
            rows.add_row(
                _plain(result.source), str(number), _coloured(verdict.label), f"{verdict.confidence:.2f}", corners, note
            )
        if not result.verdicts:
            rows.add_row(_plain(result.source), "", "–", "", "", _plain(result.error or "no face found"))
    return rows


def summary(results: Sequence[FrameResult]) -> str:
    """How many of what, in a line."""
    from collections import Counter

    counts = Counter(verdict.label for result in results for verdict in result.verdicts)
    unread = sum(result.error is not None for result in results)
    empty = sum(result.error is None and not result.verdicts for result in results)
    parts = [f"{counts[name]} {name}" for name in SYMBOLS if counts[name]]
    parts += [f"{empty} pictures without a face"] if empty else []
    parts += [f"{unread} pictures could not be read"] if unread else []
    return f"{len(results)} pictures, {counts.total()} faces: {', '.join(parts) or 'nothing found'}"


def _coloured(verdict: str) -> Text:
    from rich.text import Text

    from maskwise.model.palette import COLOURS

    return Text(f"{SYMBOLS[verdict]} {verdict}", style=COLOURS[verdict])


def _plain(text: str) -> Text:
    """A file's name is text, whatever brackets it has: rich would read them as markup."""
    from rich.text import Text

    return Text(text, overflow="fold")
