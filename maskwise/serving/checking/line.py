"""Who waits to be looked at: a bounded line that hands out several at a time."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maskwise.serving.checking.answers import Answer, Wish
from maskwise.serving.checking.looking import Sent


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One picture of a request.

    done: hears the answer, in the thread that found it.
    """

    sent: Sent
    wish: Wish
    done: Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that are done together.

    alone: nobody else works or waits, so every core is free for it.
    """

    jobs: tuple[Job, ...]
    alone: bool


class Line:
    """First come, first served; used from any thread.

    workers: who share what waits.
    """

    def __init__(self, limit: int, workers: int) -> None:
        """limit: so many may wait; a request of more is let in where nobody waits."""
        self._limit, self._workers = limit, workers
        self._jobs: deque[Job] = deque()
        self._busy, self._closed = 0, False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, jobs: Sequence[Job]) -> bool:
        """Stand in line, all of them or none; whether there was room."""
        with self._changed:
            if self._closed or (self._jobs and len(self._jobs) + len(jobs) > self._limit):
                return False
            self._jobs.extend(jobs)
            self._changed.notify(len(jobs))
            return True

    def leave(self, jobs: Sequence[Job]) -> None:
        """Give up the places of those that are still in line."""
        with self._changed:
            for job in jobs:
                if job in self._jobs:
                    self._jobs.remove(job)

    def take(self, most: int) -> Batch | None:
        """Wait for work; the others' share of it is left to them. None: the line is closed, and empty."""
        with self._changed:
            while not self._jobs:
                if self._closed:
                    return None
                self._changed.wait()
            alone = not self._busy and len(self._jobs) == 1
            share = min(most, math.ceil(len(self._jobs) / self._workers / 2))
            jobs = [self._jobs.popleft()]
            while len(jobs) < share and not jobs[-1].sent.keep:  # kept pixels of several would fill the memory
                jobs.append(self._jobs.popleft())
            self._busy += 1
            return Batch(tuple(jobs), alone)

    def finished(self) -> None:
        """A batch is done."""
        with self._changed:
            self._busy -= 1

    def close(self) -> None:
        """Nobody comes any more; what waits is still done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
