"""One who looks at the board, in an event loop: woken when there is news, and given all of it at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

MOST_EVENTS = 1000
"""That wait for one who is slow; older ones are no longer told, they can be asked for."""


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since the last time.

    streams: those set up, or whose state changed. gone: those that are no more. looks: those that were looked at.
    events: as they are told. over: nothing more will come.
    """

    streams: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    over: bool = False

    @property
    def nothing(self) -> bool:
        """Whether there is no news: the time was up."""
        return not (self.streams or self.gone or self.looks or self.events or self.over)


class Subscription:
    """Made by `Board.subscribe`; a context. The methods that tell are for the board, and safe in any thread."""

    def __init__(self, only: int | None, leave: Callable[[Subscription], None]) -> None:
        self._only, self._leave = only, leave
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._lock = threading.Lock()
        self._streams: dict[int, None] = {}
        self._gone: dict[int, None] = {}
        self._looks: dict[int, None] = {}
        self._events: deque[Mapping[str, Any]] = deque(maxlen=MOST_EVENTS)
        self._over = self._called = False
        self.shown: frozenset[int] | None = None  # whose looks are told; None: everyone's

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hear no more."""
        self._leave(self)

    async def news(self, timeout_s: float) -> News:
        """All that has changed; no news where nothing has for so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout_s)
        with self._lock:
            self._wake.clear()
            self._called = False
            news = News(tuple(self._streams), tuple(self._gone), tuple(self._looks), tuple(self._events), self._over)
            for waiting in (self._streams, self._gone, self._looks, self._events):
                waiting.clear()
            return news

    def stream_changed(self, stream: int) -> None:
        """Tell that a stream was set up or its state changed."""
        if self._only in (None, stream):
            with self._lock:
                self._gone.pop(stream, None)
                self._streams[stream] = None
                self._call()

    def stream_gone(self, stream: int) -> None:
        """Tell that a stream is no more."""
        if self._only in (None, stream):
            with self._lock:
                self._streams.pop(stream, None)
                self._gone[stream] = None
                self._call()

    def look_changed(self, stream: int) -> None:
        """Tell that a stream was looked at."""
        if self._only in (None, stream) and (self.shown is None or stream in self.shown):
            with self._lock:
                self._looks[stream] = None
                self._call()

    def event_happened(self, event: Mapping[str, Any]) -> None:
        """Tell what has happened."""
        if self._only in (None, event["stream_id"]):
            with self._lock:
                self._events.append(event)
                self._call()

    def nudge(self) -> None:
        """Wake whoever waits for news: there is other work."""
        with self._lock:
            self._call()

    def end(self) -> None:
        """Tell that it is over."""
        with self._lock:
            self._over = True
            self._call()

    def _call(self) -> None:
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody looks
                self._loop.call_soon_threadsafe(self._wake.set)
