"""What workers of the tests do; workers import it by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import ConfigError


@dataclass(frozen=True)
class Squares:
    """Squares numbers, and notes each in a file of its own.

    notes: the folder for that.
    fatal: numbers that end the worker, as often as said for each.
    """

    notes: Path
    fatal: tuple[tuple[int, int], ...] = ()

    def __call__(self) -> Callable[[int], int]:
        return self.square

    def square(self, number: int) -> int:
        for fatal, times in self.fatal:
            if number == fatal and len(list(self.notes.glob(f"died-{number}-*"))) < times:
                (self.notes / f"died-{number}-{os.getpid()}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        (self.notes / f"did-{number}-{os.getpid()}-{len(list(self.notes.glob(f'did-{number}-*')))}").touch()
        return number * number


def unready() -> Callable[[int], int]:
    """A worker that cannot be made."""
    os._exit(7)


def refusing() -> Callable[[int], int]:
    """A worker that says why it cannot be made."""
    raise ConfigError("threads: -1 is below 0")


def broken() -> Callable[[int], int]:
    """A worker with a fault."""
    return lambda number: number // 0
