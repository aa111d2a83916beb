"""Whatever is to become of a watched stream, named by the user; where nothing is named, nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from maskwise.errors import UsageError
from maskwise.model.artifact import ModelCard
from maskwise.model.storage import write_text
from maskwise.model.verdict import Thresholds
from maskwise.stream.following.events import Event, Rules
from maskwise.stream.outputs.alerts import Alerting, Alerts
from maskwise.stream.outputs.annotated import AnnotatedVideo
from maskwise.stream.outputs.audit_log import AuditLog
from maskwise.stream.outputs.beside import Beside, MomentSink
from maskwise.stream.outputs.blur import Blur, parse_blur
from maskwise.stream.outputs.drawing import Drawing
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.outputs.preview import Preview
from maskwise.stream.outputs.records import event_records, frame_records, track_records
from maskwise.stream.report.error_rates import error_rates
from maskwise.stream.report.summary import Summary
from maskwise.stream.sources.live import Health
from maskwise.stream.watching import Moment
from maskwise.values import CLASSES

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written and who is told; nothing by default.

    video: annotated copy, MP4.
    frames, tracks, events: rows, see `open_rows`.
    report: HTML page, written at the end; summary: the same counts as JSON.
    blur: whose faces are made unrecognisable in pictures: `all`, `unmasked` (everyone not surely masked) or `none`.
    alerts: addresses as Apprise has them; alerting: for which events, and how often.
    mqtt: address of a broker.
    preview: port of a page on this machine.
    audit_log: sealed record of what ran and what it told.
    font: of the labels; the one that comes along if None.
    """

    video: Path | None = None
    frames: Path | None = None
    tracks: Path | None = None
    events: Path | None = None
    report: Path | None = None
    summary: Path | None = None
    blur: Blur = "all"
    alerts: tuple[str, ...] = ()
    alerting: Alerting = field(default_factory=Alerting)
    mqtt: str | None = None
    preview: int | None = None
    audit_log: Path | None = None
    font: Path | None = None

    def __post_init__(self) -> None:
        parse_blur(self.blur)
        if self.video is not None and self.video.suffix.lower() != ".mp4":
            raise UsageError(f"{self.video}: the annotated video is an MP4; give the file that ending")
        paths = self.paths
        for path in paths:
            if paths.count(path) > 1:
                raise UsageError(f"{path.name}: named for two outputs; give each its own file")

    @property
    def paths(self) -> list[Path]:
        """Every file that is written, in full."""
        named = (self.video, self.frames, self.tracks, self.events, self.report, self.summary, self.audit_log)
        return [path.resolve() for path in named if path]


@dataclass(frozen=True, slots=True)
class About:
    """What the outputs have to know of the stream.

    source: its public name.
    rate: frames a second, about.
    began: when a live source began; None for a file.
    settings: of the run, for the audit log.
    rules: zones and lines to be drawn, and what a violation is.
    card: of the model that answers, and the thresholds it answers with: what counts can be corrected by.
    """

    source: str
    rate: float = 25.0
    began: datetime | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    card: ModelCard | None = None
    thresholds: Thresholds | None = None

    def new_summary(self) -> Summary:
        """Counts of nothing yet."""
        if self.card is None:
            return Summary(self.source, CLASSES, self.rules)
        rates = error_rates(self.card, self.thresholds)
        return Summary(self.source, self.card.labels, self.rules, rates)


class Told:
    """Everything that hears of a stream, as one."""

    def __init__(self, sinks: Sequence[MomentSink], audited: Audited | None) -> None:
        self._sinks, self._audited = sinks, audited

    def look(self, moment: Moment) -> None:
        """Hand a moment to every sink.

        Raises:
            StorageError: one of them cannot write.
        """
        for sink in self._sinks:
            sink.look(moment)

    def hear(self, health: Health) -> None:
        """Enter what becomes of a live stream into the audit log, if there is one."""
        if self._audited is not None:
            self._audited.hear(health)


@contextmanager
def opened(outputs: Outputs, about: About, say: Say, also: Sequence[MomentSink] = ()) -> Iterator[Told]:
    """Every sink that was asked for; however the run ends, each is closed, and what was written stays.

    Args:
        outputs: what was asked for.
        about: the stream.
        say: hears of troubles that do not end the run.
        also: sinks of the caller; closed with the others.

    Raises:
        StorageError, InputError, ConfigError, UsageError: one of them cannot be opened; then nothing is begun.
    """
    source, began = about.source, about.began
    if Path(source).resolve() in outputs.paths:
        raise UsageError(f"{source}: named as an output, too, which would replace what is watched; name another file")
    with ExitStack() as stack:
        sinks: list[MomentSink] = []

        def drawing() -> Drawing:
            return Drawing(about.rules.zones, about.rules.lines, outputs.font)

        def add(sink: MomentSink) -> None:
            sinks.append(stack.enter_context(sink))

        audited = Audited(AuditLog(outputs.audit_log), about) if outputs.audit_log else None
        if audited is not None:  # opened first and closed last: it knows how the others ended
            add(audited)
        if outputs.frames:
            add(frame_records(outputs.frames, source, began))
        if outputs.tracks:
            add(track_records(outputs.tracks, source, began))
        if outputs.events:
            add(event_records(outputs.events, source, began))
        if outputs.alerts:
            add(EachEvent(Alerts(outputs.alerts, outputs.alerting, say)))
        if outputs.mqtt:
            from maskwise.stream.outputs.mqtt import Mqtt

            add(EachEvent(Mqtt(outputs.mqtt, say)))
        if outputs.preview is not None:
            preview = Preview(outputs.preview, outputs.blur, drawing())
            say(f"preview: {preview.address}")
            add(preview)
        if outputs.video:
            path = _free(outputs.video) if began else outputs.video
            add(Beside(AnnotatedVideo(Mp4(path, about.rate), outputs.blur, drawing())))
        if outputs.report:
            from maskwise.stream.report.film_report import FilmReport  # pages take a while to import

            title = source if began else Path(source).name
            add(
                FilmReport(outputs.report, about.new_summary(), about.card, outputs.blur, title, settings=_shown(about))
            )
        if outputs.summary:
            add(SummaryFile(outputs.summary, about.new_summary()))
        for sink in also:
            add(sink)
        yield Told(sinks, audited)


def _free(path: Path) -> Path:
    """A camera's recording never replaces an earlier one."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _shown(about: About) -> dict[str, str]:
    """Settings as the page shows them."""
    shown = {name.replace("_", " "): about.settings.get(name) for name in ("operating_point", "looks_per_s", "after_s")}
    return {name: str(value) for name, value in shown.items() if value is not None}


class SummaryFile:
    """Writes the counts when the stream is over, as docs/reference/summary.md describes them."""

    def __init__(self, path: Path, summary: Summary) -> None:
        self._path, self._summary = path, summary

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        write_text(self._path, json.dumps(self._summary.to_json(), indent=2, allow_nan=False) + "\n")

    def look(self, moment: Moment) -> None:
        """Count."""
        self._summary.look(moment)


class EventSink(Protocol):
    """Whatever takes events one by one; use it as a context."""

    def write(self, event: Event) -> None:
        """Take one."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class EachEvent:
    """Hands a moment's events to a sink of events."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    def __enter__(self) -> Self:
        self._sink.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sink.__exit__(kind, error, at)

    def look(self, moment: Moment) -> None:
        """Hand over what has happened."""
        for event in moment.events:
            self._sink.write(event)


class Audited:
    """Enters into the audit log that a run began, its alarms, what became of the stream, and how the run ended."""

    def __init__(self, log: AuditLog, about: About) -> None:
        self._log, self._about = log, about
        self._frames = self._looks = 0
        self._people: Counter[str] = Counter()
        self._events: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._log.add("started", {"source": self._about.source, **self._about.settings})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        counts = {"frames": self._frames, "looks": self._looks, "people": dict(self._people)}
        because = "the stream ended, or was ended" if error is None else type(error).__name__
        self._log.add(
            "ended", {"source": self._about.source, **counts, "events": dict(self._events), "because": because}
        )

    def look(self, moment: Moment) -> None:
        """Count, and enter each alarm."""
        self._frames += not moment.ended
        self._looks += moment.result is not None
        self._people.update(person.summary for person in moment.left)
        for event in moment.events:
            self._events[event.kind] += 1
            if event.kind == "violated":
                self._log.add("alarm", event.to_json())

    def hear(self, health: Health) -> None:
        """Enter what becomes of the stream."""
        facts = {"source": health.source, "state": health.state, "time_s": round(health.time_s, 1)}
        self._log.add("stream", {**facts, "because": health.because})
