"""`maskwise watch`: a camera, stream or film, and the people in it."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import pipe_may_close
from maskwise.cli.streams import EventsOnStdout, LivePeople, Stream, follow, names_of, settings_of
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from maskwise.stream.outputs.alerts import Alerting
    from maskwise.stream.watching import Watching


def run(
    source: Annotated[
        str,
        typer.Argument(
            help="camera:0, rtsp:// or http:// address, video file, folder of pictures, or - for stdin.",
            envvar="MASKWISE_SOURCE",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Folder of the artifact; default is the one that comes along.")
    ] = "default",
    video: Annotated[Path | None, typer.Option(help="Write an annotated MP4.")] = None,
    frames: Annotated[
        Path | None, typer.Option(help="Write what was found in each frame: .jsonl, .csv or .parquet.")
    ] = None,
    tracks: Annotated[Path | None, typer.Option(help="Write a row for each person: .jsonl, .csv or .parquet.")] = None,
    events: Annotated[Path | None, typer.Option(help="Write a row for each event: .jsonl, .csv or .parquet.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with counts, timeline and people.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write the counts at the end, as JSON.")] = None,
    blur: Annotated[
        str, typer.Option(help="Whose faces are made unrecognisable in what is written: all, unmasked or none.")
    ] = "all",
    alert: Annotated[
        list[str] | None,
        typer.Option(help="Tell this address (Apprise: json://, mailto://, slack:// ...).", envvar="MASKWISE_ALERT"),
    ] = None,
    alert_on: Annotated[str, typer.Option(help="Events that are told, comma between.")] = "violated",
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two messages at least.")] = 60.0,
    quiet: Annotated[str | None, typer.Option(help="No messages then, for example 22:00-06:00.")] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(help="Publish events to mqtt://user:password@host/prefix.", envvar="MASKWISE_MQTT"),
    ] = None,
    preview: Annotated[int | None, typer.Option(min=0, max=65535, help="Show the stream at this local port.")] = None,
    audit_log: Annotated[Path | None, typer.Option(help="Add to this sealed record of runs and alarms.")] = None,
    violation: Annotated[str, typer.Option(help="Verdicts that are violations, comma between.")] = "unmasked,incorrect",
    after: Annotated[float, typer.Option(min=0, help="Seconds that a violation lasts before it is told.")] = 3.0,
    zone: Annotated[
        list[str] | None, typer.Option(help="Watch only here: 'door:0.1,0 0.4,0 0.4,1 0.1,1', shares of the picture.")
    ] = None,
    line: Annotated[list[str] | None, typer.Option(help="Count who crosses: 'gate:0.5,0 0.5,1'.")] = None,
    looks: Annotated[
        float, typer.Option(min=0, help="How often a second faces are looked for; 0: in every frame.")
    ] = 10.0,
    min_face: Annotated[
        int, typer.Option(help="Smallest face that matters, px: 40, 24 or 16; smaller is slower.")
    ] = 40,
    rate: Annotated[float | None, typer.Option(help="Frames a second of a folder of pictures.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after so long a piece of the stream.")] = None,
    operating_point: Annotated[
        str | None, typer.Option(help="balanced, gate or statistics; what else the artifact has.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Confidence below which a verdict is uncertain.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="For the network; 0 takes every core.")] = 1,
    font: Annotated[Path | None, typer.Option(help="TTF or OTF file for the labels.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Events on stdout, one JSON object a line.")] = False,
) -> None:
    """Follow the people in a stream and say of each: masked, incorrect, unmasked or uncertain.

    Nothing is stored unless an output is named. Stop with Ctrl-C: what was written stays. Exit code 2: the source or an
    output cannot be used.
    """
    from maskwise.inference.checker import load
    from maskwise.stream.outputs.blur import parse_blur
    from maskwise.stream.outputs.opened import Outputs

    outputs = Outputs(
        video=video,
        frames=frames,
        tracks=tracks,
        events=events,
        report=report,
        summary=summary,
        blur=parse_blur(blur),
        alerts=tuple(alert or ()),
        alerting=_alerting(alert_on, pause, quiet),
        mqtt=mqtt,
        preview=preview,
        audit_log=audit_log,
        font=font,
    )
    watching = _watching(violation, after, zone or [], line or [], looks)
    checker = load(model, operating_point=operating_point, threshold=threshold, threads=threads, min_face_px=min_face)
    settings = settings_of(checker, watching, outputs, operating_point)
    shown = EventsOnStdout() if json_ else LivePeople()
    with pipe_may_close():
        follow(Stream(source, rate, seconds), checker, watching, outputs, settings, [shown])


def _alerting(kinds: str, pause_s: float, quiet: str | None) -> Alerting:
    from maskwise.stream.outputs.alerts import Alerting

    return Alerting(names_of(kinds), pause_s, None if quiet is None else _hours(quiet))


def _hours(text: str) -> tuple[time, time]:
    """`22:00-06:00`."""
    begin, dash, end = text.partition("-")
    try:
        hours = time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())
    except ValueError:
        dash = ""
    if not dash:
        raise UsageError(f"--quiet {text!r}: expected two times of day, as in 22:00-06:00")
    return hours


def _watching(violation: str, after_s: float, zones: list[str], lines: list[str], looks_per_s: float) -> Watching:
    from maskwise.stream.following.events import Rules
    from maskwise.stream.following.zones import Line, Zone, parse_corners
    from maskwise.stream.watching import Watching

    rules = Rules(
        names_of(violation),
        after_s,
        tuple(Zone(*parse_corners(text)) for text in zones),
        tuple(Line(*parse_corners(text)) for text in lines),
    )
    return Watching(looks_per_s=looks_per_s, rules=rules)
