"""Many small things through an engine: some at a time, and what came of them in the order of the things.

A chunk that workers end over is gone through once more, thing by thing, so that only those are lost that end them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from maskwise.engines.engine import Done, Engine, Lost

T = TypeVar("T")
R = TypeVar("R")


def in_chunks(
    engine: Engine, make: Callable[[], Callable[[list[T]], R]], things: Iterable[T], size: int
) -> Iterator[Done[list[T], R] | Lost[list[T]]]:
    """Do all things, `size` of them at a time.

    Args:
        engine: who does it.
        make: called once in each worker; gives the function that does a chunk.
        things: what is to be done.
        size: things of a chunk, at least 1.

    Yields:
        Chunks, in the order of the things; a lost one holds one thing. What is finished before its turn waits in
        memory.

    Raises:
        EngineError: see `Engine`.
    """
    waiting: dict[int, Done[list[T], R] | Lost[list[T]]] = {}
    turn = 0
    for one in engine.map(_Opened(make), _chunks(things, size)):
        own = one.task
        waiting[own.number] = Done(own.things, one.result) if isinstance(one, Done) else Lost(own.things, one.why)
        while turn in waiting:
            now = waiting.pop(turn)
            turn += 1
            if isinstance(now, Lost) and len(now.task) > 1:
                yield from in_chunks(engine, make, now.task, 1)
            else:
                yield now


@dataclass(frozen=True, slots=True)
class _Chunk(Generic[T]):
    number: int
    things: list[T]


def _chunks(things: Iterable[T], size: int) -> Iterator[_Chunk[T]]:
    coming, number = iter(things), 0
    while chunk := list(islice(coming, size)):
        yield _Chunk(number, chunk)
        number += 1


@dataclass(frozen=True, slots=True)
class _Opened(Generic[T, R]):
    """Makes what takes a numbered chunk of what takes its things."""

    make: Callable[[], Callable[[list[T]], R]]

    def __call__(self) -> Callable[[_Chunk[T]], R]:
        do = self.make()
        return lambda chunk: do(chunk.things)
