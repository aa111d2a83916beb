"""Sources that never end: only the newest frame counts, and what breaks off is opened again, a little later each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

import numpy as np

from maskwise.errors import InputError
from maskwise.values import Frame, Image

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Before a lost stream is opened again: the first time, and at most, after doubling each time."""

FROZEN_S = 10.0
"""A picture that has not changed in a single pixel for so long: no camera is so quiet."""

EVERY = 16
"""Of the pixels that are compared, along either axis."""

State = Literal["connected", "lost", "frozen", "moving"]


@dataclass(frozen=True, slots=True)
class Health:
    """That a stream's state changed.

    source: its public name.
    state: `connected` (the first time and each time again), `lost`, `frozen` (no error, but one and the same picture),
        `moving` (again).
    time_s: seconds since the stream was first opened.
    because: in words.
    """

    source: str
    state: State
    time_s: float
    because: str = ""


OnHealth = Callable[[Health], None]
Open = Callable[[], AbstractContextManager[Iterable[Frame]]]


class Live:
    """A stream that is read by a thread of its own, as fast as it comes; use it as a context.

    Iterating gives the newest frame there is, each once, and waits where there is none: whoever is slow misses frames
    and is never late. Times are seconds since the start by this machine's clock, since a camera's own begin anew after
    each interruption. It ends when it is closed.

    dropped: frames that nobody took.
    """

    def __init__(
        self,
        name: str,
        open_: Open,
        on_health: OnHealth = lambda _: None,
        first_wait_s: float = FIRST_WAIT_S,
        frozen_s: float = FROZEN_S,
    ) -> None:
        """Open it for the first time.

        Args:
            name: public; what frames and messages call it.
            open_: opens the stream; called again after each interruption.
            on_health: hears what becomes of it, in the reading thread.
            first_wait_s: before it is opened again; doubles up to LONGEST_WAIT_S.
            frozen_s: how long a picture may stay the same.

        Raises:
            InputError: it cannot be opened now; later that would be an interruption.
        """
        self._name, self._open, self._on_health = name, open_, on_health
        self._first_wait_s, self._frozen_s = first_wait_s, frozen_s
        self._began = time.monotonic()
        self._newest: Frame | None = None
        self._arrived, self._stopped = threading.Condition(), threading.Event()
        self._index, self.dropped = 0, 0
        first = open_()
        self._thread = threading.Thread(target=self._read, args=(first,), name=f"read {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading; whoever waits for a frame is let go."""
        self._stopped.set()
        with self._arrived:
            self._arrived.notify_all()
        self._thread.join(timeout=2.0)  # a silent network may hold it longer; it is a daemon and ends by its timeout

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._newest is not None or self._stopped.is_set())
                frame, self._newest = self._newest, None
            if frame is None or self._stopped.is_set():
                return
            yield frame

    def _read(self, opened: AbstractContextManager[Iterable[Frame]] | None) -> None:
        wait_s = self._first_wait_s
        while not self._stopped.is_set():
            try:
                with opened or self._open() as frames:
                    self._tell("connected")
                    guard = _Unchanging(self._frozen_s)
                    for frame in frames:
                        if self._stopped.is_set():
                            return
                        wait_s = self._first_wait_s
                        self._put(frame, guard)
                because = "it ended"
            except InputError as error:
                because = str(error)
            opened = None
            self._tell("lost", f"{because}; opened again in {wait_s:.0f} s")
            self._stopped.wait(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _put(self, frame: Frame, guard: _Unchanging) -> None:
        now = time.monotonic() - self._began
        state = guard.look(frame.image, now)
        if state:
            self._tell(state, f"one and the same picture for {self._frozen_s:.0f} s" if state == "frozen" else "")
        with self._arrived:
            self.dropped += self._newest is not None
            self._newest = replace(frame, source=self._name, index=self._index, time_s=now)
            self._index += 1
            self._arrived.notify()

    def _tell(self, state: State, because: str = "") -> None:
        self._on_health(Health(self._name, state, time.monotonic() - self._began, because))


class _Unchanging:
    """Tells when a picture has stayed the same for too long, and when it moves again."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s, self._last, self._since, self._frozen = longest_s, np.zeros((0, 0, 3), np.uint8), 0.0, False

    def look(self, image: Image, now_s: float) -> Literal["frozen", "moving"] | None:
        seen = image[::EVERY, ::EVERY]
        if not np.array_equal(seen, self._last):
            moved, self._last, self._since, self._frozen = self._frozen, seen.copy(), now_s, False
            return "moving" if moved else None
        if not self._frozen and now_s - self._since >= self._longest_s:
            self._frozen = True
            return "frozen"
        return None
