"""The newest of every stream, for whoever wants to see it: threads put it up, the event loop looks.

Nobody who looks can hold a camera up, and none takes more memory for being slow: of looks and states only the newest is
kept, of events the last MOST_EVENTS.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from maskwise.serving.cameras.look import Look
from maskwise.serving.cameras.state import Config, Health, State, Status, stream_json
from maskwise.serving.cameras.subscription import Subscription
from maskwise.serving.problems import Busy, NotThere

MOST_SUBSCRIBERS = 256
"""Pages and programs that look at once."""


@dataclass(slots=True)
class _Entry:
    config: Config
    status: Status
    look: Look | None = None


class Board:
    """What is known of every stream now; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[int, _Entry] = {}
        self._subscribers: weakref.WeakSet[Subscription] = weakref.WeakSet()  # one whose page left before it began
        self._numbers = itertools.count(1)
        self._over = False

    def put(self, config: Config, state: State, because: str = "") -> None:
        """A stream is new, or was set up anew; what was seen of it before is gone."""
        with self._lock:
            self._entries[config.id] = _Entry(config, Status(state, because, time.time()))
            self._told(config.id)

    def rename(self, config: Config) -> None:
        """A stream was set up differently, in nothing that matters to what is seen."""
        with self._lock:
            if config.id in self._entries:
                self._entries[config.id].config = config
                self._told(config.id)

    def remove(self, stream: int) -> None:
        """A stream is no more."""
        with self._lock:
            if self._entries.pop(stream, None):
                for one in self._subscribers:
                    one.stream_gone(stream)

    def say(self, stream: int, state: State, because: str = "", *, keep_look: bool = False) -> None:
        """What has become of a stream; what was seen is not now any more unless it is `connected`."""
        with self._lock:
            entry = self._entries.get(stream)
            if entry is None:
                return
            was = entry.status
            same = (was.state, was.because) == (state, because)
            since_s = was.since_s if was.state == state else time.time()
            status = replace(was, state=state, because=because, since_s=since_s)
            if state != "connected":
                status = replace(status, people={}, health=replace(was.health, looks_per_s=0.0, latency_ms=None))
                entry.look = entry.look if keep_look else None
            entry.status = status
            if not same:
                self._told(stream)

    def show(self, look: Look, health: Health) -> None:
        """What was seen just now."""
        with self._lock:
            entry = self._entries.get(look.stream)
            if entry is None:
                return
            entry.look = replace(look, number=next(self._numbers))
            people = look.people if entry.status.state == "connected" else {}  # in a frozen picture nobody is now
            entry.status = replace(entry.status, people=people, size=look.size, health=health)
            for one in self._subscribers:
                one.look_changed(look.stream)

    def announce(self, event: Mapping[str, Any]) -> None:
        """Something has happened, and is written down."""
        with self._lock:
            for one in self._subscribers:
                one.event_happened(event)

    def streams(self) -> list[dict[str, Any]]:
        """Every stream as it is told, the oldest first."""
        with self._lock:
            return [stream_json(entry.config, entry.status) for _, entry in sorted(self._entries.items())]

    def stream(self, stream: int) -> dict[str, Any]:
        """One stream as it is told.

        Raises:
            NotThere: it is not.
        """
        with self._lock:
            entry = self._entry(stream)
            return stream_json(entry.config, entry.status)

    def config(self, stream: int) -> Config:
        """What was chosen for a stream.

        Raises:
            NotThere: it is not.
        """
        with self._lock:
            return self._entry(stream).config

    def configs(self) -> list[Config]:
        """What was chosen for each stream."""
        with self._lock:
            return [entry.config for entry in self._entries.values()]

    def look(self, stream: int) -> Look | None:
        """The newest look at a stream, if there is one that still holds."""
        with self._lock:
            entry = self._entries.get(stream)
            return entry.look if entry else None

    def states(self) -> list[State]:
        """The state of each stream."""
        with self._lock:
            return [entry.status.state for entry in self._entries.values()]

    def subscribe(self, only: int | None = None) -> Subscription:
        """Hear of everything from now on, in the event loop that runs here; to be closed.

        Args:
            only: of this stream.

        Raises:
            Busy: too many look already.
        """
        with self._lock:
            if len(self._subscribers) >= MOST_SUBSCRIBERS:
                raise Busy(f"{MOST_SUBSCRIBERS} pages and programs look on already; close one", 30.0)
            one = Subscription(only, self._leave)
            self._subscribers.add(one)
            if self._over:
                one.end()
            return one

    def close(self) -> None:
        """Whoever looks is told that it is over."""
        with self._lock:
            self._over = True
            for one in self._subscribers:
                one.end()

    def _entry(self, stream: int) -> _Entry:
        entry = self._entries.get(stream)
        if entry is None:
            raise NotThere(f"stream {stream}")
        return entry

    def _leave(self, one: Subscription) -> None:
        with self._lock:
            self._subscribers.discard(one)

    def _told(self, stream: int) -> None:
        for one in self._subscribers:
            one.stream_changed(stream)
