"""Somebody is told: by webhook, e-mail, Slack and what else Apprise knows; not too often, not in quiet hours."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from types import TracebackType
from typing import Self

from maskwise.errors import ConfigError, DependencyError
from maskwise.stream.following.events import KINDS, Event
from maskwise.stream.outputs.telling import clock_time, what_happened

WAITING = 100
"""Messages that may wait for a slow target; what comes after that is counted and not sent."""


@dataclass(frozen=True, slots=True)
class Alerting:
    """Which events are told, and when.

    kinds: of events.
    pause_s: at least so long between two messages about one stream; what happens meanwhile is counted in the next one.
    quiet: from when to when by the local clock nothing is sent, over midnight if the first is later; None: never quiet.
    """

    kinds: tuple[str, ...] = ("violated",)
    pause_s: float = 60.0
    quiet: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise ConfigError(f"alerting.kinds: {kind!r} is not one of {', '.join(KINDS)}")
        if not self.pause_s >= 0:
            raise ConfigError(f"alerting.pause_s: {self.pause_s} must not be below 0")

    def is_quiet(self, now: time) -> bool:
        """Whether nothing is to be sent at this time of day."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        return begin <= now < end if begin <= end else now >= begin or now < end


class Alerts:
    """Takes events and sends messages from a thread of its own; use it as a context.

    A target that does not answer never holds up the stream. On closing, what waits is still sent.
    """

    def __init__(
        self,
        targets: Sequence[str],
        alerting: Alerting | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Check the targets; nothing is sent yet.

        Args:
            targets: addresses as Apprise has them, `json://host/path`, `mailto://user:password@host` and so on.
            alerting: which events, and when.
            on_trouble: hears of messages that could not be sent; never of an address.
            clock: local time.

        Raises:
            ConfigError: an address that Apprise does not know; it is not repeated, since it may hold a password.
        """
        self._alerting, self._on_trouble, self._clock = alerting or Alerting(), on_trouble, clock
        try:
            from apprise import Apprise  # takes half a second to import, which only who is told has to wait
        except ImportError as error:  # pragma: no cover - the tests have it
            raise DependencyError("alarms need the extra `video`: pip install 'maskwise[video]'") from error
        self._targets = Apprise()
        for number, target in enumerate(targets, start=1):
            if not self._targets.add(target):
                kind = target.partition("://")[0] if "://" in target else "without ://"
                raise ConfigError(f"alarm target {number} ({kind}): not an address that Apprise knows")
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(WAITING)
        self._last: dict[str, datetime] = {}
        self._held_back: dict[str, int] = {}
        self._thread = threading.Thread(target=self._send, name="alarms", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, event: Event) -> None:
        """Send a message about it, or count it for the next one."""
        if event.kind not in self._alerting.kinds:
            return
        now, source = self._clock(), event.source
        last = self._last.get(source)
        soon = last is not None and (now - last).total_seconds() < self._alerting.pause_s
        if soon or self._alerting.is_quiet(now.time()):
            self._held_back[source] = self._held_back.get(source, 0) + 1
            return
        self._last[source] = now
        more = self._held_back.pop(source, 0)
        try:
            self._waiting.put_nowait((f"maskwise: {source}", message(event, more)))
        except queue.Full:
            self._held_back[source] = more + 1
            self._on_trouble(f"{WAITING} alarms wait for targets that do not answer; this one is counted, not sent")

    def close(self, longest_s: float = 10.0) -> None:
        """Send what waits, and stop; give up after a while."""
        try:
            self._waiting.put(None, timeout=longest_s)
        except queue.Full:
            return
        self._thread.join(longest_s)

    def _send(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            title, body = waiting
            try:
                sent = bool(self._targets.notify(title=title, body=body))
            except Exception:  # noqa: BLE001 - a plug-in of a target may raise whatever it likes
                sent = False
            if not sent:
                self._on_trouble("an alarm could not be sent to every target")


def message(event: Event, more: int = 0, when: str = "") -> str:
    """An event in a line or two, without anything that could tell who it is.

    Args:
        event: what happened.
        more: how many others this message is to tell of.
        when: it was; how far into the stream if empty.
    """
    text = f"{what_happened(event)}, {when or f'{clock_time(event.time_s)} into the stream'}"
    return f"{text}\n{more} more since the last message" if more else text
