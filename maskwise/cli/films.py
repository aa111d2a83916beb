"""The films among what `maskwise check` was given: a row for each person instead of each face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from maskwise.cli.streams import one_thread_each
from maskwise.cli.wording import coloured, plain
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.table import Table

    from maskwise.inference.checker import Checker
    from maskwise.stream.following.people import Person
    from maskwise.stream.outputs.blur import Blur
    from maskwise.stream.watching import Moment
    from maskwise.values import Frame, FrameResult

    Write = Callable[[Frame | None, FrameResult], None]
    Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FilmOutputs:
    """What is made of each film besides rows.

    annotate: folder of annotated copies.
    report: HTML page.
    blur: whose faces are made unrecognisable in both.
    font: of the labels.
    """

    annotate: Path | None = None
    report: Path | None = None
    blur: Blur = "none"
    font: Path | None = None


def check_film(path: Path, checker: Checker, write: Write, wanted: FilmOutputs, step: Step) -> list[Person]:
    """Watch a film to its end; everyone who was in it, in the order in which they left.

    Args:
        path: the film.
        checker: finds and judges faces.
        write: takes what was found in each frame that was looked at.
        wanted: what else is made of it.
        step: hears how many of how many frames are done.

    Raises:
        InputError: it cannot be opened or decoded.
        StorageError: an output cannot be written.
    """
    from maskwise.cli.console import say
    from maskwise.stream.outputs.opened import About, Outputs, opened
    from maskwise.stream.sources.opening import open_source
    from maskwise.stream.watching import Watching, watch

    copy = wanted.annotate / f"{path.stem}.mp4" if wanted.annotate else None
    outputs = Outputs(video=copy, report=wanted.report, blur=wanted.blur, font=wanted.font)
    everyone = Everyone(write)
    one_thread_each()
    with open_source(str(path)) as source:
        rate = (source.facts.rate if source.facts else None) or 25.0
        frames = round((source.facts.duration_s or 0.0) * rate) if source.facts else 0
        pipeline = checker.pipeline
        about = About(source.name, rate, card=pipeline.classify.card, thresholds=pipeline.thresholds)
        with opened(outputs, about, say, [everyone]) as told:
            for number, moment in enumerate(watch(source, pipeline, source.name, Watching())):
                told.look(moment)
                step(number, max(frames, number))
    return everyone.people


class Everyone:
    """Passes on what was found in each frame, and keeps whoever was in the film; a sink for moments."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.people: list[Person] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""

    def look(self, moment: Moment) -> None:
        """Take in a moment."""
        if moment.result is not None:
            self._write(None, moment.result)
        self.people += moment.left


def film_table() -> Table:
    """A table of people."""
    from rich.table import Table

    return Table("film", "person", "verdict", "from s", "to s", "looks", "note")


def add_people(table: Table, path: Path, people: Sequence[Person], note: str = "") -> None:
    """A row for each person, or one for a film without."""
    for person in people:
        seen = f"{person.first_s:.1f}", f"{person.last_s:.1f}", str(person.looks)
        table.add_row(plain(str(path)), str(person.number), coloured(person.summary), *seen, "")
    if not people:
        table.add_row(plain(str(path)), "", "–", "", "", "", plain(note or "no face found"))


def check_names(films: Sequence[Path], wanted: FilmOutputs) -> None:
    """Refuse before the work what could not be written after it.

    Raises:
        UsageError: one page for several films, a page without a film, or a copy that would replace its own film.
    """
    if wanted.report and len(films) != 1:
        raise UsageError(f"--report: a page tells of one film, and {len(films)} are named; check one at a time")
    for film in films:
        if wanted.annotate and (wanted.annotate / f"{film.stem}.mp4").resolve() == film.resolve():
            raise UsageError(f"--annotate {wanted.annotate}: the film itself lies there; name another folder")
