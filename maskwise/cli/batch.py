"""`maskwise batch`: millions of pictures, a row for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import err, say
from maskwise.cli.engines import Address, Name, Workers, engine_of
from maskwise.cli.wording import count
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from maskwise.batch.run import Progress
    from maskwise.batch.summary import Summary

EVERY_S = 30.0
"""Between two lines about how far it is, where nobody sees a bar."""


def run(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="IN... OUT",
            help="Pictures, folders, globs, manifests (CSV, JSONL, TXT, Parquet), Parquet files of pictures; also as "
            "s3://, gs://; and, last, the folder for the results.",
        ),
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT; begin if nothing is.")] = False,
    model: Annotated[
        str, typer.Option(help="Folder of the artifact; default is the one that comes along.")
    ] = "default",
    engine: Name = "local",
    address: Address = None,
    workers: Workers = 0,
    part_rows: Annotated[int, typer.Option(min=1, help="Pictures of a part: what a crash costs a worker.")] = 512,
    full: Annotated[
        bool, typer.Option("--full", help="Decode large JPEGs in full; takes longer and changes hardly an answer.")
    ] = False,
    faces: Annotated[str, typer.Option(help="detect, or whole: each picture is one cut-out face.")] = "detect",
    min_face: Annotated[int, typer.Option(help="Find faces from 40, 24 or 16 px; the smaller, the longer.")] = 40,
    operating_point: Annotated[
        str | None, typer.Option(help="balanced, gate or statistics; what else the artifact has.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Confidence below which a verdict is uncertain.")] = None,
) -> None:
    """Look at any number of pictures; OUT gets a row for each as Parquet, a summary and a page.

    A picture that cannot be read is a row with its reason. After a crash the same command with --resume goes on:
    nothing is lost and nothing is done twice. Exit code 1: parts are left over.
    """
    from maskwise.batch.plan import Judging
    from maskwise.batch.run import Wish
    from maskwise.batch.run import run as run_batch

    if len(places) < 2:
        raise UsageError(f"batch needs pictures and a place for the results; got only {places[0]}")
    judging = Judging(faces, min_face, operating_point, threshold, full)
    wish = Wish(tuple(places[:-1]), places[-1], model, judging, part_rows, resume)
    try:
        with _telling() as hear:
            summary = run_batch(wish, engine_of(engine, address, workers), hear)
    except KeyboardInterrupt:
        say(f"stopped; what was finished stays: go on with --resume {places[-1]}")
        raise typer.Exit(130) from None
    _tell(summary, places[-1])
    if not summary.whole:
        raise typer.Exit(1)


def _tell(summary: Summary, place: str) -> None:
    total = summary.total
    verdicts = ", ".join(f"{n:,} {name}" for name, n in sorted(total.verdicts.items(), key=lambda item: -item[1]))
    say(f"{count(total.inputs, 'picture')}, {count(total.faces, 'face')}: {verdicts or 'no face found'}")
    say(f"{total.without_face:,} without a face, {total.unreadable:,} could not be read")
    if summary.fresh:
        say(f"{summary.fresh:,} in this run, {summary.fresh / summary.seconds:.1f} a second")
    if summary.lost:
        say(
            f"{count(len(summary.lost), 'part')} could not be done: every worker ended that tried; --resume tries again"
        )
    say(f"{place}: rows/ (Parquet), summary.json, report.html")


@contextmanager
def _telling() -> Iterator[Callable[[Progress], None]]:
    """A bar where somebody sees it, a line now and then where not."""
    if err.is_terminal:
        with _bar() as hear:
            yield hear
        return
    last = time.monotonic()

    def hear_lines(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            say(in_words(progress))

    yield hear_lines


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(TextColumn("{task.description}"), BarColumn(), console=err, transient=True) as bar:
        task = bar.add_task("looking for pictures", total=None)

        def hear(progress: Progress) -> None:
            total = progress.count if progress.found is None else None
            bar.update(task, completed=progress.done, total=total, description=in_words(progress))

        yield hear


def in_words(progress: Progress) -> str:
    """How far it is, how fast, and how long it will take."""
    if progress.found is not None:
        return f"{progress.found:,} pictures found"
    text = f"{progress.done:,} of {progress.count:,}"
    if not progress.fresh or progress.seconds <= 0:
        return text
    rate = progress.fresh / progress.seconds
    return f"{text}, {rate:.1f} a second, {lasting((progress.count - progress.done) / rate)} left"


def lasting(seconds: float) -> str:
    """A time in words."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
