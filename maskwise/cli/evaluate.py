"""`maskwise evaluate`: what an artifact is worth on pictures whose classes, or a film whose people, are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import out, say
from maskwise.cli.engines import Address, NameIfAny, Workers, engine_if_asked
from maskwise.cli.reading import Alias, Classes, Format, check_asked, read_data
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from maskwise.engines.engine import Engine


def run(
    artifact: Annotated[Path, typer.Argument(help="The model's folder, or default.")],
    data: Annotated[list[str] | None, typer.Option("--data", help="Folder or manifest; repeat for several.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of a manifest: train, validation or test.")] = None,
    video: Annotated[Path | None, typer.Option(help="A film instead of pictures; goes with --truth.")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV of who is in the film, where, and with which label.")] = None,
    after: Annotated[float, typer.Option(min=0, help="Film: seconds of violation that call for an alarm.")] = 3.0,
    out_: Annotated[Path | None, typer.Option("--out", help="Folder for report and predictions.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="The report as JSON on stdout.")] = False,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    engine: NameIfAny = None,
    address: Address = None,
    workers: Workers = 0,
) -> None:
    """Measure an artifact: confusion, recall, precision, F1, ROC, each with its interval; HTML, JSON and CSV.

    Of a film: person by person, time to a right verdict, alarms and false alarms an hour.
    """
    who = engine_if_asked(engine, address, workers)
    if video is None and truth is None:
        return _pictures(artifact, data, split, out_, format_, alias, classes, who, as_json=json_)
    if data:
        raise UsageError("--data and --video: measure on pictures or on a film; give one of the two")
    if video is None or truth is None:
        lacking = "--truth: the CSV of who is in the film" if truth is None else "--video: the film of the list"
        raise UsageError(f"a film and the list of its people go together; add {lacking}")
    if split is not None:
        raise UsageError("--split belongs to pictures; a film has no splits")
    if who is not None:
        raise UsageError("--engine, --address and --workers belong to pictures; a film is watched in one process")
    from maskwise.cli.evaluate_video import evaluate_video

    return evaluate_video(artifact, video, truth, out_, after, as_json=json_)


def _pictures(
    artifact: Path,
    data: list[str] | None,
    split: str | None,
    folder: Path | None,
    format_: str,
    alias: list[str] | None,
    classes: str | None,
    engine: Engine | None,
    *,
    as_json: bool,
) -> None:
    import json

    from maskwise.cli.console import progress
    from maskwise.cli.figures import print_evaluation
    from maskwise.model.artifact import folder_of
    from maskwise.training.measure import measure_artifact
    from maskwise.training.report import write_report

    named = check_asked(data, split)
    manifest = read_data(named, format_, alias, classes)
    with progress("judging") as hook:
        measured = measure_artifact(folder_of(artifact), manifest, split=split, progress=hook, engine=engine)
    folder = folder or Path("runs") / f"evaluation-{Path(named[0]).stem}"
    write_report(measured, folder)
    if as_json:
        out.print_json(json.dumps(measured.to_json()))
    else:
        print_evaluation(measured.to_json(), out)
    say(f"report: {folder / 'report.html'}")
