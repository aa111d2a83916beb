"""Processes of this machine, each with a pipe of its own to the one that hands out tasks.

Nothing is shared between workers, so one that is killed at any moment, in the middle of a message, too, harms no other:
the usual pools share a queue and its lock, and stand still for ever if the wrong one dies.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from maskwise.engines.cores import cores
from maskwise.engines.engine import Done, Lost
from maskwise.errors import EngineError, MaskwiseError

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 5
"""Workers that may end over one task before it is given up."""

STILLBORN = 10
"""Workers one after the other that may end before they are ready: then something is wrong with all of them."""

_CONTEXT = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state they are
_READY, _DONE, _FAILED = "ready", "done", "failed"


@dataclass(slots=True)
class _Try(Generic[T]):
    task: T
    lost: int = 0


class Local:
    """An engine of this machine's cores."""

    def __init__(self, processes: int = 0, attempts: int = ATTEMPTS) -> None:
        """Nothing is started yet.

        Args:
            processes: 0 takes one for each core.
            attempts: how many workers may end over one task before it is given up.
        """
        self.processes = processes or cores()
        self._attempts = attempts

    def map(self, make: Callable[[], Callable[[T], R]], tasks: Iterable[T]) -> Iterator[Done[T, R] | Lost[T]]:
        """See `Engine`."""
        coming = _Coming(tasks)
        workers: list[_Worker[T]] = []
        stillborn = 0
        try:
            while True:
                while len(workers) < self.processes and coming.more():
                    workers.append(_Worker(make))
                if not workers:
                    return
                for worker in _speaking(workers):
                    try:
                        kind, content = worker.hear()
                    except (EOFError, OSError):
                        workers.remove(worker)
                        why, at = worker.ended(), worker.at
                        stillborn = 0 if worker.ready else stillborn + 1
                        if stillborn == STILLBORN:
                            raise EngineError(f"workers end before they can work: {why}") from None
                        if at is None:
                            continue
                        at.lost += 1
                        if at.lost < self._attempts:
                            coming.again(at)
                        else:
                            yield Lost(at.task, why)
                        continue
                    if kind == _FAILED:
                        raise content
                    stillborn = 0
                    done = worker.at
                    worker.go_on(coming)
                    if kind == _DONE and done is not None:
                        yield Done(done.task, content)
        finally:
            for worker in workers:
                worker.end()


class _Coming(Generic[T]):
    """Tasks in their order; those that were lost come first."""

    def __init__(self, tasks: Iterable[T]) -> None:
        self._fresh, self._lost = iter(tasks), list[_Try[T]]()

    def again(self, task: _Try[T]) -> None:
        self._lost.append(task)

    def more(self) -> bool:
        """Whether there is another; looks one task ahead."""
        if not self._lost:
            self._lost += [_Try(task) for task in self._one()]
        return bool(self._lost)

    def take(self) -> _Try[T]:
        """The next, if there is more."""
        return self._lost.pop()

    def _one(self) -> Iterator[T]:
        for task in self._fresh:
            yield task
            return


class _Worker(Generic[T]):
    """One process, seen from where tasks are handed out.

    at: what it is doing.
    ready: whether it ever could work.
    """

    def __init__(self, make: Callable[[], Callable[[T], Any]]) -> None:
        self.at: _Try[T] | None = None
        self.ready = False
        self.pipe, its = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_work, args=(its, make), name="maskwise worker")
        self._process.start()
        its.close()  # so that reading ends when the process does

    def hear(self) -> tuple[str, Any]:
        """What it says.

        Raises:
            EOFError, OSError: nothing; it has ended.
        """
        kind, content = self.pipe.recv()
        self.ready = True
        return kind, content

    def go_on(self, coming: _Coming[T]) -> None:
        """Give it the next task; without one it will end. A pipe that is broken is found out by reading."""
        self.at = coming.take() if coming.more() else None
        with suppress(OSError):
            self.pipe.send(None if self.at is None else (self.at.task,))

    def ended(self) -> str:
        """How, in words."""
        self._process.join()
        self.pipe.close()
        code = self._process.exitcode or 0
        if code >= 0:
            return f"the process ended with exit code {code}"
        return f"the process was ended by {signal.Signals(-code).name}"

    def end(self) -> None:
        """Whatever it is doing."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _speaking(workers: list[_Worker[T]]) -> list[_Worker[T]]:
    pipes = wait([worker.pipe for worker in workers])
    return [worker for worker in workers if worker.pipe in pipes]


def _work(pipe: Connection, make: Callable[[], Callable[[Any], Any]]) -> None:
    """The life of a worker; it ends with the one that hands out tasks, as the pipe does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process of the terminal; one answers it
    with suppress(EOFError, OSError):  # nobody hands out tasks any more
        try:
            do = make()
        except Exception as error:  # noqa: BLE001 - told where it can be read
            pipe.send((_FAILED, _fault(error)))
            return
        pipe.send((_READY, None))
        while (task := pipe.recv()) is not None:
            try:
                said = (_DONE, do(*task))
            except Exception as error:  # noqa: BLE001 - likewise
                pipe.send((_FAILED, _fault(error)))
                return
            pipe.send(said)


def _fault(error: Exception) -> MaskwiseError:
    if isinstance(error, MaskwiseError):
        return error
    failed = EngineError(f"a worker failed: {type(error).__name__}: {error}")
    failed.add_note("".join(traceback.format_exception(error)))
    return failed
