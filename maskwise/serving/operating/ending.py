"""How the process ends: asked once, in good order; asked again, at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SAME_S = 0.5
"""A second signal within so many seconds is the first once more: terminals and wrappers send both."""


class Ending:
    """What happens at a signal.

    stop: ends the server in good order, once there is one; before that the process just leaves what it was opening.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], None] | None = None
        self._first_s: float | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """A signal came."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
            if self.stop is None:
                raise SystemExit(0)
            self.stop()
        elif now_s - self._first_s > SAME_S:
            os._exit(128 + number)


@contextmanager
def signals() -> Iterator[Ending]:
    """Hear the signals that end a process."""
    ending = Ending()
    before = {number: signal.signal(number, ending) for number in SIGNALS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
