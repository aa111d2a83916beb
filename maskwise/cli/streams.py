"""What `watch` and `check` share where a stream is concerned: opening it, ending it, and what is seen meanwhile."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from maskwise.cli.console import err, out, say
from maskwise.cli.wording import coloured, count, plain
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType, TracebackType

    from rich.console import Group
    from rich.table import Table

    from maskwise.inference.checker import Checker
    from maskwise.stream.following.events import Event
    from maskwise.stream.outputs.beside import MomentSink
    from maskwise.stream.outputs.opened import Outputs, Told
    from maskwise.stream.sources.live import Health
    from maskwise.stream.sources.opening import Source
    from maskwise.stream.watching import Moment, Watching
    from maskwise.values import Frame

LATEST = 6
"""Events in the live table."""

PEOPLE = 12
"""People in the live table; of more only their number."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What the user asked to be watched.

    text: as named on the command line.
    rate: frames a second of what has no times.
    seconds: of the stream, after which it ends; None: to its own end.
    """

    text: str
    rate: float | None = None
    seconds: float | None = None


def follow(
    stream: Stream,
    checker: Checker,
    watching: Watching,
    outputs: Outputs,
    settings: dict[str, Any],
    also: Sequence[MomentSink],
) -> None:
    """Watch a stream to its end, or until the user ends it; what was written stays either way."""
    from maskwise.stream.outputs.opened import About, opened
    from maskwise.stream.sources.opening import open_source
    from maskwise.stream.watching import watch

    one_thread_each()
    board = _Board()
    with open_source(stream.text, stream.rate, board.hear) as source, _stopping(source) as stop:
        rate = (source.facts.rate if source.facts else None) or stream.rate or 25.0
        pipeline = checker.pipeline
        about = About(
            source.name,
            rate,
            datetime.now(UTC) if source.live else None,
            settings,
            watching.rules,
            pipeline.classify.card,
            pipeline.thresholds,
        )
        with opened(outputs, about, say, also) as told:
            board.tell(told)
            frames = _until(source, stop, stream.seconds)
            for moment in watch(frames, pipeline, source.name, watching, live=source.live):
                told.look(moment)
        _say_losses(source)


def _say_losses(source: Source) -> None:
    lost = [
        f"{count(number, 'frame')} {why}"
        for number, why in (
            (source.dropped, "left out, to stay on time"),
            (source.broken, "could not be decoded"),
        )
        if number
    ]
    if lost:
        say(f"{source.name}: {'; '.join(lost)}")


def one_thread_each() -> None:
    """Steps of a stream run side by side already; OpenCV's own threads would only get in their way."""
    import cv2

    cv2.setNumThreads(1)


class _Board:
    """Says what becomes of the stream, to the user and, once there are any, to the outputs."""

    def __init__(self) -> None:
        self._told: Told | None = None
        self._early: list[Health] = []

    def hear(self, health: Health) -> None:
        if health.state != "connected" or health.time_s > 1:
            say(f"{health.source}: {health.state}{f': {health.because}' if health.because else ''}")
        if self._told is None:
            self._early.append(health)
        else:
            self._told.hear(health)

    def tell(self, told: Told) -> None:
        self._told = told
        for health in self._early:
            told.hear(health)


@contextlib.contextmanager
def _stopping(source: Source) -> Iterator[threading.Event]:
    """Ctrl-C, or being asked to end, ends the stream and not the program: everything is closed as at its own end."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():  # asked twice: the user does not want to wait
            raise KeyboardInterrupt
        stop.set()
        # Closing waits for the reading thread and must not be done between any two instructions of this one.
        threading.Thread(target=source.close, daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until(source: Source, stop: threading.Event, seconds: float | None) -> Iterator[Frame]:
    for frame in source:
        if stop.is_set() or (seconds is not None and (frame.time_s or 0.0) >= seconds):
            return
        yield frame


def settings_of(checker: Checker, watching: Watching, outputs: Outputs, operating_point: str | None) -> dict[str, Any]:
    """The run's settings as the audit log keeps them: nothing in them opens a camera or reaches anybody."""
    from dataclasses import asdict

    from maskwise import __version__

    card, rules = checker.pipeline.classify.card, watching.rules
    named = ("video", "frames", "tracks", "events", "report", "summary", "alerts", "mqtt", "preview", "audit_log")
    return {
        "maskwise": __version__,
        "model_sha256": card.files.get("model.onnx"),
        "operating_point": operating_point or "default",
        "thresholds": asdict(checker.pipeline.thresholds),
        "looks_per_s": watching.looks_per_s,
        "violations": list(rules.violations),
        "after_s": rules.after_s,
        "zones": [place.name for place in rules.zones],
        "lines": [place.name for place in rules.lines],
        "outputs": [name for name in named if getattr(outputs, name) not in (None, ())],
        "blur": outputs.blur,
    }


def names_of(text: str) -> tuple[str, ...]:
    """`unmasked,incorrect`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def size_of(text: str) -> tuple[int, int]:
    """`640x480`."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 64 <= int(width) <= 7680 and 64 <= int(height) <= 4320):
        raise UsageError(f"--size {text!r}: expected WIDTHxHEIGHT from 64x64 to 7680x4320, as in 640x480")
    return int(width), int(height)


class EventsOnStdout:
    """One JSON object a line; a sink for moments."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""

    def look(self, moment: Moment) -> None:
        """Write what has happened."""
        from maskwise.inference.picture_folder import refusals

        with refusals("the output"):
            for event in moment.events:
                sys.stdout.write(json.dumps(event.to_json(), allow_nan=False) + "\n")
            if moment.events:
                sys.stdout.flush()


class LivePeople:
    """Who is there now and what has happened: a table that changes on a terminal, a line for each event elsewhere."""

    def __init__(self) -> None:
        from rich.live import Live

        self._latest: deque[Event] = deque(maxlen=LATEST)
        self._people: Counter[str] = Counter()
        self._alarms = self._frames = 0
        self._moment: Moment | None = None
        self._began = time.monotonic()
        self._live = Live(get_renderable=self._seen, console=err, refresh_per_second=4) if err.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
        if error is None:
            out.print(self._summary(), markup=False, soft_wrap=True)

    def look(self, moment: Moment) -> None:
        """Take in a moment."""
        self._moment = self._moment if moment.ended else moment
        self._frames += not moment.ended
        self._people.update(person.summary for person in moment.left)
        self._alarms += sum(event.kind == "violated" for event in moment.events)
        self._latest.extend(moment.events)
        if self._live is None:
            for event in moment.events:
                out.print(_line(event), markup=False, soft_wrap=True)

    def _summary(self) -> str:
        seen = ", ".join(f"{number} {name}" for name, number in self._people.most_common()) or "nobody"
        people, alarms = count(self._people.total(), "person", "people"), count(self._alarms, "alarm")
        return f"{count(self._frames, 'frame')}, {people}: {seen}; {alarms}"

    def _seen(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        moment, seconds = self._moment, time.monotonic() - self._began
        if moment is None:
            return Group(Text("waiting for the first frame"))
        head = f"{moment.frame.source}  {_clock(moment)}  {self._frames / max(seconds, 1e-9):.0f} frames/s"
        return Group(plain(head), self._table(moment), *(plain(_line(event)) for event in self._latest))

    def _table(self, moment: Moment) -> Table:
        from rich.table import Table

        table = Table("person", "verdict", "confidence", "box x y x y")
        for shown in moment.here[:PEOPLE]:
            corners = " ".join(f"{v:.0f}" for v in shown.box_xyxy)
            verdict = shown.verdict
            table.add_row(str(shown.number), coloured(verdict.label), f"{verdict.confidence:.2f}", corners)
        if len(moment.here) > PEOPLE:
            table.add_row("", f"and {len(moment.here) - PEOPLE} more", "", "")
        if not moment.here:
            table.add_row("", "–", "", "")
        return table


def _line(event: Event) -> str:
    from maskwise.stream.outputs.telling import clock_time, what_happened

    return f"{clock_time(event.time_s)}  {what_happened(event)}"


def _clock(moment: Moment) -> str:
    from maskwise.stream.outputs.telling import clock_time

    return clock_time(moment.frame.time_s or 0.0)
