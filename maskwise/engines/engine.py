"""What an engine is: one function over many tasks, each done once, in whatever order they are finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Done(Generic[T, R]):
    """A task and what came of it."""

    task: T
    result: R


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """A task that no worker lived to finish.

    why: how the last one ended.
    """

    task: T
    why: str


class Engine(Protocol):
    """Anything that can do tasks."""

    def map(self, make: Callable[[], Callable[[T], R]], tasks: Iterable[T]) -> Iterator[Done[T, R] | Lost[T]]:
        """Do every task.

        Workers may be killed at any moment: what one of them was at is done again by another, so a task has to be such
        that doing it twice is doing it once.

        Args:
            make: called once in each worker; gives the function that does tasks. Both, and what goes through, are
                pickled.
            tasks: taken as workers come free, not before, so there may be any number of them.

        Yields:
            Each task once, in the order in which they are finished.

        Raises:
            EngineError: workers cannot be started, or the function raised: a fault of the program, or of every task
                alike. What was finished stays finished.
        """
        ...
