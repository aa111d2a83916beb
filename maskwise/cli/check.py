"""`maskwise check`: every face in the user's pictures, and how its mask is worn."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import err, out, pipe_may_close, progress, say
from maskwise.cli.films import FilmOutputs, add_people, check_film, check_names, film_table
from maskwise.cli.wording import SYMBOLS, coloured, count, plain
from maskwise.errors import InputError, LabelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from maskwise.inference.checker import Checker
    from maskwise.values import Frame, FrameResult

    Write = Callable[[Frame | None, FrameResult], None]

UNBOUNDED = 1_000_000
"""Columns of what is no terminal: a table in a pipe or file is never folded or cut."""


def run(
    sources: Annotated[list[str], typer.Argument(help="Pictures, folders, globs, video files.")],
    model: Annotated[
        str, typer.Option(help="Folder of the artifact; default is the one that comes along.")
    ] = "default",
    json_: Annotated[bool, typer.Option("--json", help="One JSON a line on stdout, nothing else.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write one row for each face.")] = None,
    annotate: Annotated[Path | None, typer.Option(help="Also write copies with the verdicts drawn in.")] = None,
    explain: Annotated[
        Path | None, typer.Option(help="Also write a picture of each face: where in it the answer comes from.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page about a video.")] = None,
    blur: Annotated[
        str,
        typer.Option(help="Whose faces are hidden in copies and page of a video: all, unmasked or none."),
    ] = "none",
    font: Annotated[Path | None, typer.Option(help="TTF or OTF file for the labels.")] = None,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 if a face has one of these verdicts, comma between.")] = "",
    faces: Annotated[str, typer.Option(help="detect, or whole: each picture is one cut-out face.")] = "detect",
    min_face: Annotated[
        int,
        typer.Option(help="Find faces from 40, 24 or 16 px; looking takes 2.7 times as long with 24, 4.5 with 16."),
    ] = 40,
    operating_point: Annotated[
        str | None, typer.Option(help="balanced, gate or statistics; what else the artifact has.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Confidence below which a verdict is uncertain.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="For the network; 0 takes every core.")] = 0,
) -> None:
    """Find the faces and say of each: masked, incorrect, unmasked or uncertain.

    A picture that cannot be read is a row with its reason. Exit code 1: a verdict of --fail-on was found; 2: not one
    picture could be read.
    """
    from maskwise.inference.checker import load
    from maskwise.inference.sources import expand
    from maskwise.stream.outputs.blur import parse_blur
    from maskwise.stream.sources.opening import is_video
    from maskwise.values import FrameResult

    wanted = _verdicts(fail_on)
    checker = load(
        model,
        faces=faces,  # type: ignore[arg-type]  # load checks it
        operating_point=operating_point,
        threshold=threshold,
        threads=threads,
        min_face_px=min_face,
    )
    _check_asked(wanted, checker.labels)
    if faces == "detect" and checker.trained_on == "whole":
        say("note: this model learnt from whole pictures, not from faces as the detector cuts them; expect mistakes")
    paths = _without_copies(expand(sources), {"--annotate": annotate, "--explain": explain})
    films = [path for path in paths if is_video(path)]
    pictures = [path for path in paths if not is_video(path)]
    film_outputs = FilmOutputs(annotate, report, parse_blur(blur), font)
    check_names(films, film_outputs)
    tally, table = Tally("picture", "face", "faces"), _table()
    film_tally, people = Tally("video", "person", "people"), film_table()
    with (
        pipe_may_close(),
        _outputs(json_, csv, annotate, font) as write,
        _explanations(explain, checker) as clarify,
        _progress(quiet=json_ and out.is_terminal) as step,
    ):
        for frame, result in checker.files(pictures):
            write(frame, result)
            clarify(frame, result)
            tally.add([verdict.label for verdict in result.verdicts], result.error)
            _add(table, result)
            step(tally.sources, len(pictures))
        for index, film in enumerate(films, start=len(pictures)):
            try:
                seen, note = check_film(film, checker, write, film_outputs, step), ""
            except InputError as error:
                seen, note = [], str(error)
                write(None, FrameResult.failed(str(film), index, note, checker.labels))
            film_tally.add([person.summary for person in seen], note)
            add_people(people, film, seen, note)
    tallies = [kind for kind in (tally, film_tally) if kind.sources]
    if json_:
        say("; ".join(map(str, tallies)))
    else:
        _show(*([table] if pictures else []), *([people] if films else []), *map(str, tallies))
    if not any(kind.read for kind in tallies):
        raise InputError(f"not one {tallies[0].source} could be read")
    if any(kind.verdicts[name] for kind in tallies for name in wanted):
        raise typer.Exit(1)


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


def _without_copies(paths: list[Path], folders: dict[str, Path | None]) -> list[Path]:
    """Leave out what lies where drawn pictures go: a second run must not check what the first one drew."""
    for option, folder in folders.items():
        if folder is None:
            continue
        drawn = os.path.realpath(folder)
        kept = [path for path in paths if not Path(os.path.realpath(path)).is_relative_to(drawn)]
        if not kept:
            raise InputError(f"{option} {folder}: the pictures themselves lie there; name another folder")
        if len(kept) < len(paths):
            say(f"left out {count(len(paths) - len(kept), 'picture')} in {folder}, where {option} draws")
        paths = kept
    return paths


@contextlib.contextmanager
def _outputs(json_: bool, csv: Path | None, annotate: Path | None, font: Path | None) -> Iterator[Write]:
    """Open whatever the user asked to have written; close all of it, however the run ends."""
    from maskwise.inference.sinks import AnnotatedPictures, Csv, JsonLines, ResultSink

    with contextlib.ExitStack() as stack:
        sinks: list[ResultSink] = [stack.enter_context(JsonLines(sys.stdout))] if json_ else []
        sinks += [stack.enter_context(Csv(csv))] if csv else []
        copies = stack.enter_context(AnnotatedPictures(annotate, font)) if annotate else None

        def write(frame: Frame | None, result: FrameResult) -> None:
            for sink in sinks:
                sink.write(result)
            if copies and frame:
                copies.write(frame, result)

        yield write


@contextlib.contextmanager
def _explanations(folder: Path | None, checker: Checker) -> Iterator[Write]:
    """Explain every face into the folder and say so at the end; do nothing where none was asked for."""
    from maskwise.inference.sinks import ExplainedFaces

    if folder is None:
        yield lambda _frame, _result: None
        return
    faces = 0
    with ExplainedFaces(folder) as sink:

        def write(frame: Frame | None, result: FrameResult) -> None:
            nonlocal faces
            if frame:
                sink.write(frame, result, checker.explain(frame, result))
                faces += len(result.verdicts)

        yield write
    say(f"explained {count(faces, 'face')} in {folder}")


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody sees it; none between lines of JSON on the same terminal."""
    if quiet or not err.is_terminal:
        yield lambda _done, _total: None
        return
    with progress("checking pictures") as step:
        yield step


@dataclass
class Tally:
    """How many of what; its text is the summary.

    source: `picture` or `video`.
    found, many: what is counted in each, one and several.
    """

    source: str
    found: str
    many: str
    read: int = 0
    empty: int = 0
    unread: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def sources(self) -> int:
        """How many there were."""
        return self.read + self.unread

    def add(self, labels: Sequence[str], error: str | None) -> None:
        """Count one picture or video."""
        self.unread += bool(error)
        self.read += not error
        self.empty += not error and not labels
        self.verdicts.update(labels)

    def __str__(self) -> str:
        parts = [f"{self.verdicts[name]} {name}" for name in SYMBOLS if self.verdicts[name]]
        parts += [f"{count(self.empty, self.source)} without a face"] if self.empty else []
        parts += [f"{count(self.unread, self.source)} could not be read"] if self.unread else []
        found = count(self.verdicts.total(), self.found, self.many)
        return f"{count(self.sources, self.source)}, {found}: {', '.join(parts)}"


def _table() -> Table:
    from rich.table import Table

    return Table("picture", "face", "verdict", "confidence", "box x y x y", "note")


def _add(table: Table, result: FrameResult) -> None:
    """A row for each face, or one for a picture without."""
    picture = plain(result.source)
    for number, (box, verdict) in enumerate(zip(result.faces.boxes_xyxy, result.verdicts, strict=True), start=1):
        corners, note = " ".join(f"{v:.0f}" for v in box), plain(verdict.uncertain_because or "")
        table.add_row(picture, str(number), coloured(verdict.label), f"{verdict.confidence:.2f}", corners, note)
    if not result.verdicts:
        table.add_row(picture, "", "–", "", "", plain(result.error or "no face found"))


def _show(*parts: RenderableType) -> None:
    """Print to stdout; whole lines where it is no terminal, escapes for what its encoding lacks."""
    from rich.console import Console

    from maskwise.inference.picture_folder import refusals

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(highlight=False, markup=False, width=None if out.is_terminal else UNBOUNDED)
    with refusals("the table"):
        for part in parts:
            console.print(part)
        sys.stdout.flush()
