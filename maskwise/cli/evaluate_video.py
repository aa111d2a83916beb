"""`maskwise evaluate --video`: what an artifact is worth on a film whose people are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwise.cli.console import err, out, progress, say
from maskwise.cli.figures import figure
from maskwise.errors import DataError

if TYPE_CHECKING:
    from maskwise.stream.measuring.truth import Truth


def evaluate_video(
    artifact: Path, video: Path, truth: Path, folder: Path | None, after_s: float, *, as_json: bool
) -> None:
    """Watch the film, compare with the list, write video-report.json and tell.

    Raises:
        DataError: the list is none, or nobody in it is there at any time of the film.
        InputError: the film cannot be read.
        StorageError: the report cannot be written.
    """
    from maskwise.model.storage import write_text
    from maskwise.stream.measuring.truth import read_truth

    listed = read_truth(truth)
    report = {"artifact": artifact.name, "video": video.name} | _judged(artifact, video, listed, after_s)
    if not any(person["found"]["n"] for person in report["people"]):
        raise DataError(
            f"{truth}: its times and those of {video.name} have nothing in common: the film is {report['seconds']:g} s "
            "long; time_s counts seconds from its first frame"
        )
    target = (folder or Path("runs") / f"evaluation-{video.stem}") / "video-report.json"
    write_text(target, json.dumps(report, indent=1) + "\n")
    if as_json:
        out.print_json(json.dumps(report))
    else:
        _print(report)
    say(f"report: {target}")


def _judged(artifact: Path, video: Path, truth: Truth, after_s: float) -> dict[str, Any]:
    from maskwise.inference.checker import load
    from maskwise.stream.following.events import Rules
    from maskwise.stream.measuring.judging import Judge
    from maskwise.stream.sources.video import Video
    from maskwise.stream.watching import Watching, watch

    watching = Watching(rules=Rules(after_s=after_s))
    pipeline = load(artifact).pipeline
    judge = Judge(truth, watching.rules)
    with Video(str(video)) as frames, progress("watching") as hook:
        facts = frames.facts
        for done, moment in enumerate(watch(frames, pipeline, video.name, watching), start=1):
            judge.look(moment)
            hook(done, max(done, round((facts.duration_s or 0) * (facts.rate or 0))))
    return judge.to_json()


def _print(report: Mapping[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("person", "mostly", "said", "s in sight", "found", "right", "uncertain", "tracks", "flicker")
    for person in report["people"]:
        shares = (_value(person[key]) for key in ("found", "right", "uncertain"))
        counts = (str(len(person["tracks"])), str(person["flicker"]))
        said = person["said"] if person["right_person"] else f"[red]{person['said']}[/]"
        table.add_row(escape(person["person"]), person["label"], said, f"{person['seconds']:.1f}", *shares, *counts)
    out.print(table)
    for name, key in (
        ("persons right", "persons_right"),
        ("right, of the time", "right"),
        ("uncertain", "uncertain"),
        ("found", "found"),
    ):
        out.print(f"{name:<28} {figure(report[key])}   n {report[key]['n']}", markup=False)
    for name, key in (("first right verdict", "first_right_s"), ("right after a change", "changed_right_s")):
        out.print(f"{name:<28} {_value(report[key], ' s')}   n {report[key]['n']}, never {report[key]['never']}")
    alarms = report["alarms"]
    told = f"{alarms['due']} due, {alarms['missed']} missed, {alarms['repeated']} repeated, {alarms['false']} false"
    delay = f"{_value(alarms['delay_s'], ' s')} late, longest {_value(alarms['longest_delay_s'], ' s')}"
    out.print(f"{'alarms':<28} {told}; {delay}", markup=False)
    for name, key in (
        ("false alarms an hour", "false_alarms_per_hour"),
        ("switches a person-minute", "switches_per_person_minute"),
        ("flicker a person-minute", "flicker_per_person_minute"),
    ):
        out.print(f"{name:<28} {figure(report[key])}   n {report[key]['n']}", markup=False)
    if report["nobody"]:
        err.print(f"[yellow]![/] {report['nobody']} people were followed who are not in the list")


def _value(value: Mapping[str, Any], unit: str = "") -> str:
    return "–" if value["value"] is None else f"{value['value']:.2f}{unit}"
