"""Sources that never end: only the newest frame counts, and what breaks off is opened again, later each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np

from maskwise.errors import ConfigError, InputError
from maskwise.stream.sources.names import scrubbed
from maskwise.values import Frame, Image

if TYPE_CHECKING:
    from maskwise.stream.sources.video import VideoFacts

FASTEST = 60.0
"""Frames a second that are handed on at most."""

FASTEST_READ, BURST_S = 120.0, 2.0
"""Frames a second that are read at most, and for how many seconds' worth more may come at once: some broken streams
send one frame over and over, as fast as they are read."""

STUCK = 3
"""Openings that may hang at once, each with its thread, before no further one is tried."""

CLOSING_S = 2.0
"""How long closing waits for threads that a silent network may hold."""

State = Literal["connected", "lost", "frozen", "moving"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a live stream is waited for, in seconds.

    first_wait_s: before a lost stream is opened again; doubles each time up to longest_wait_s, and is this again after
        a picture.
    longest_wait_s: see there.
    frozen_s: without a picture, or with one and the same in every pixel: no camera is so quiet.
    first_picture_s: from the opening to the first picture: some streams have a key frame every 15 s or more.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    frozen_s: float = 10.0
    first_picture_s: float = 40.0

    def __post_init__(self) -> None:
        for name in ("first_wait_s", "longest_wait_s", "frozen_s", "first_picture_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"patience.{name}: {getattr(self, name)} must be above 0")


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


class Stream(Protocol):
    """A live stream that is open; a context, used by the thread that reads it."""

    @property
    def facts(self) -> VideoFacts | None:
        """What it says about itself."""
        ...

    @property
    def broken(self) -> int:
        """Packets that could not be decoded so far."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that were passed over so far, in order not to be late."""
        ...

    def pictures(self) -> Iterator[Callable[[], Image]]:
        """Each frame as it comes, as a function that makes the picture: most are never looked at."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


Open = Callable[[], Stream]


class Live:
    """A stream that is read by a thread of its own, as fast as it comes; use it as a context.

    Iterating gives the newest frame there is, each once and at most FASTEST a second, and waits where there is none:
    whoever is slow misses frames and is never late. Times are seconds since the start by this machine's clock, since a
    camera's own begin anew after each interruption. It ends when it is closed.

    name: public; what frames and messages call it.
    live: always true.
    facts: what the stream says about itself, at its last opening.
    """

    live = True

    def __init__(
        self, name: str, open_: Open, on_health: OnHealth = lambda _: None, patience: Patience | None = None
    ) -> None:
        """Open it for the first time.

        Args:
            name: public.
            open_: opens the stream; called again after each interruption.
            on_health: hears what becomes of it, in a thread of this stream; must not wait for anything.
            patience: how long is waited for what.

        Raises:
            InputError: it cannot be opened now; later that would be an interruption.
        """
        self.name = name
        self._open, self._on_health, self._patience = open_, on_health, patience or Patience()
        self._began_s = time.monotonic()
        self._changed, self._stopped = threading.Condition(), threading.Event()
        self._newest: tuple[int, float, Callable[[], Image]] | None = None
        self._index = self._untaken = 0
        self._openings: list[_Opening] = []
        self._gone = (0, 0)  # broken and dropped of openings that have ended
        self._failure: BaseException | None = None
        first = open_()
        self.facts = first.facts
        self._thread = threading.Thread(target=self._keep, args=(first,), name=f"keep {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading, by any thread; whoever waits for a frame is let go."""
        self._stop()
        until_s = time.monotonic() + CLOSING_S
        for thread in (self._thread, *self._openings):
            thread.join(timeout=max(0.0, until_s - time.monotonic()))

    @property
    def began_s(self) -> float:
        """When its times begin, by `time.monotonic`."""
        return self._began_s

    @property
    def dropped(self) -> int:
        """Frames that nobody took, or that were passed over in order not to be late."""
        return self._untaken + self._gone[1] + sum(opening.counts[1] for opening in self._openings)

    @property
    def broken(self) -> int:
        """Packets that could not be decoded."""
        return self._gone[0] + sum(opening.counts[0] for opening in self._openings)

    def __iter__(self) -> Iterator[Frame]:
        due_s = 0.0
        while not self._stopped.wait(max(0.0, due_s - time.monotonic())):
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._stopped.is_set())
                newest, self._newest = self._newest, None
            if newest is None or self._stopped.is_set():
                break
            due_s = time.monotonic() + 1 / FASTEST
            index, time_s, make = newest
            yield Frame(make(), self.name, index, time_s)
        if self._failure is not None:
            raise self._failure

    def _keep(self, first: Stream) -> None:
        """Read; and whatever ends it, open it again."""
        try:
            wait_s, stream = self._patience.first_wait_s, iter((first,))
            while not self._stopped.is_set():
                opening = _Opening(lambda: next(stream, None) or self._open(), self)
                self._openings.append(opening)
                opening.start()
                because = self._outcome(opening)
                if self._stopped.is_set():
                    return
                if opening.seen:
                    wait_s = self._patience.first_wait_s
                self._tell("lost", f"{because}; opened again in {wait_s:g} s")
                self._stopped.wait(wait_s)
                wait_s = min(2 * wait_s, self._patience.longest_wait_s)
                self._settle()
        except BaseException as error:  # noqa: BLE001 - of on_health; raised again where the frames are read
            self._failure = error
        finally:
            self._stop()

    def _outcome(self, opening: _Opening) -> str:
        """Why it ended, or was given up."""

        def silent_s() -> float:
            return time.monotonic() - opening.seen_at_s

        while True:
            limit_s = self._patience.frozen_s if opening.seen else self._patience.first_picture_s
            with self._changed:
                done = self._changed.wait_for(
                    lambda: opening.because or self._stopped.is_set(), max(0.001, limit_s - silent_s())
                )
            if done:
                return opening.because
            limit_s = self._patience.frozen_s if opening.seen else self._patience.first_picture_s
            if silent_s() >= limit_s:
                opening.given_up.set()
                return f"no picture for {limit_s:g} s, and no error"

    def _settle(self) -> None:
        """Forget the openings that have ended; wait where too many hang, or each would cost a thread for ever."""
        while not self._stopped.is_set():
            ended = [opening for opening in self._openings if not opening.is_alive()]
            for opening in ended:
                self._gone = (self._gone[0] + opening.counts[0], self._gone[1] + opening.counts[1])
                self._openings.remove(opening)
            if len(self._openings) < STUCK:
                return
            self._stopped.wait(self._patience.first_wait_s)

    def _put(self, make: Callable[[], Image]) -> None:
        with self._changed:
            self._untaken += self._newest is not None
            self._newest = (self._index, time.monotonic() - self._began_s, make)
            self._index += 1
            self._changed.notify_all()

    def _stop(self) -> None:
        self._stopped.set()
        for opening in self._openings:
            opening.given_up.set()
        with self._changed:
            self._changed.notify_all()

    def _tell(self, state: State, because: str = "") -> None:
        self._on_health(Health(self.name, state, time.monotonic() - self._began_s, because))


class _Opening(threading.Thread):
    """A stream from one opening to its end.

    seen: pictures so far.
    seen_at_s: when the last one came, or it began to be opened.
    because: why it ended; empty until then.
    given_up: set where it is no longer listened to; it ends as soon as it wakes up.
    """

    def __init__(self, open_: Callable[[], Stream], owner: Live) -> None:
        super().__init__(name=f"read {owner.name}", daemon=True)
        self._open, self._owner = open_, owner
        self._stream: Stream | None = None
        self.seen, self.seen_at_s = 0, time.monotonic()
        self.because = ""
        self.given_up = threading.Event()

    @property
    def counts(self) -> tuple[int, int]:
        """Packets broken, and frames passed over."""
        return (self._stream.broken, self._stream.dropped) if self._stream else (0, 0)

    def run(self) -> None:
        because = "it ended"
        try:
            with self._open() as self._stream:
                self._read(self._stream)
        except InputError as error:
            because = str(error)
        except Exception as error:  # noqa: BLE001 - whatever ended it, it is opened again
            because = f"{type(error).__name__}: {scrubbed(str(error))}"
        finally:
            self.because = because
            with self._owner._changed:
                self._owner._changed.notify_all()

    def _read(self, stream: Stream) -> None:
        frozen_s = self._owner._patience.frozen_s
        self.seen_at_s = time.monotonic()
        if not self.given_up.is_set():
            self._owner.facts = stream.facts
            self._owner._tell("connected")
        guard, pace = Unchanging(frozen_s), Pace(FASTEST_READ, BURST_S, self.seen_at_s)
        for make in stream.pictures():
            if self.given_up.is_set():
                return
            self.seen_at_s = time.monotonic()
            self.seen += 1
            # Before it is handed on: two threads must not make a picture of one frame at once.
            changed = guard.look(make, self.seen_at_s)
            if changed:
                self._owner._tell(changed, f"one and the same picture for {frozen_s:g} s" if guard.frozen else "")
            self._owner._put(make)
            self.given_up.wait(pace.wait_s(time.monotonic()))


class Pace:
    """Bounds a rate on average and lets bursts pass (the generic cell rate algorithm, ITU-T I.371)."""

    def __init__(self, rate: float, burst_s: float, now_s: float) -> None:
        """Begin.

        Args:
            rate: a second, at most.
            burst_s: how much of it may come at once.
            now_s: by the clock of all later times.
        """
        self._step_s, self._burst_s, self._due_s = 1 / rate, burst_s, now_s - burst_s

    def wait_s(self, now_s: float) -> float:
        """How long to wait after one that came now."""
        self._due_s = max(self._due_s + self._step_s, now_s - self._burst_s)
        return max(0.0, self._due_s - now_s)


class Unchanging:
    """Tells when a picture has stayed the same for too long, and when it moves again.

    It looks at every pixel, for a clock in a corner is a picture that moves, but only a few times in the span.

    frozen: whether it is the same by now.
    """

    LOOKS = 20

    def __init__(self, longest_s: float) -> None:
        """Begin.

        Args:
            longest_s: how long a picture may stay the same.
        """
        self._longest_s, self.frozen = longest_s, False
        self._last, self._since_s, self._due_s = np.zeros((0, 0, 3), np.uint8), 0.0, -np.inf

    def look(self, make: Callable[[], Image], now_s: float) -> Literal["frozen", "moving"] | None:
        """What has changed with this picture; None where nothing has, or no look is due.

        Args:
            make: makes the picture.
            now_s: rises from look to look.
        """
        if now_s < self._due_s:
            return None
        self._due_s = now_s + self._longest_s / self.LOOKS
        image = make()
        if not np.array_equal(image, self._last):
            moved, self._last, self._since_s, self.frozen = self.frozen, image, now_s, False
            return "moving" if moved else None
        if not self.frozen and now_s - self._since_s >= self._longest_s:
            self.frozen = True
            return "frozen"
        return None
