"""A Ray cluster, through Ray Data: tasks are rows of a data set, workers are a pool of actors.

Ray does a task again whose actor or machine was lost; what a task is, it does not know.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from maskwise.engines.cores import cores
from maskwise.engines.engine import Done, Lost
from maskwise.errors import EngineError, MaskwiseError

T = TypeVar("T")
R = TypeVar("R")

MOST_BLOCKS = 10_000
"""Blocks that tasks are spread over: one each up to here, since a block is what Ray hands out, and does again."""

REACHED_S = 5.0
"""For a cluster's address to answer."""

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody


class OnRay:
    """An engine of a Ray cluster."""

    def __init__(self, address: str | None = None, workers: int = 0) -> None:
        """Nothing is started or reached yet.

        Args:
            address: of a cluster that runs, `auto` for the one that this machine is part of; None starts one here, of
                this machine alone, and stops it afterwards.
            workers: actors of one core each; 0 takes every core of the cluster.
        """
        self._address, self._workers = address, workers

    def map(self, make: Callable[[], Callable[[T], R]], tasks: Iterable[T]) -> Iterator[Done[T, R] | Lost[T]]:
        """See `Engine`; the tasks themselves are held in memory, as Ray wants them."""
        import ray

        given = [{"task": _Sealed(task)} for task in tasks]
        if not given:
            return
        _quiet()
        began = not ray.is_initialized()
        try:
            if began:
                self._begin()
            size = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
            data = ray.data.from_items(given, override_num_blocks=min(len(given), MOST_BLOCKS)).map(
                _Actor,  # type: ignore[arg-type]  # Ray takes a class, too, and makes actors of it
                fn_constructor_args=(make,),
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(size=min(size, len(given))),
            )
            for row in data.iter_rows():
                yield Done(row["task"].content, row["result"].content)
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise _ours(error) from error
        finally:
            if began:
                ray.shutdown()

    def _begin(self) -> None:
        import ray

        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if self._address is None:
            ray.init(num_cpus=self._workers or cores(), include_dashboard=False, **quiet)
            return
        host, _, port = self._address.rpartition(":")
        try:
            if host and port.isdecimal() and "//" not in host:  # Ray itself would try for more than a minute
                socket.create_connection((host, int(port)), REACHED_S).close()
            ray.init(address=self._address, **quiet)
        except (OSError, ValueError, RuntimeError, OverflowError) as error:
            raise EngineError(
                f"--address {self._address}: no Ray cluster answers there ({str(error).splitlines()[0][:200]}); start "
                "one with: ray start --head"
            ) from error


@dataclass(frozen=True, slots=True, repr=False)
class _Sealed(Generic[T]):
    """Anything as it is: of bare lists and tuples Ray would make arrays.

    Ray writes what it holds into a message that nobody reads, which for large arrays took a third of all time: so it
    has no repr that tells its content.
    """

    content: T


class _Actor:
    """A worker."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self._do = make()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do the task of a row."""
        return {**row, "result": _Sealed(self._do(row["task"].content))}


def _quiet() -> None:
    """Results and errors are told by who called, not by Ray."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _ours(error: BaseException) -> MaskwiseError:
    """What a worker raised, if it was ours."""
    at: BaseException | None = error
    while at is not None:
        cause = getattr(at, "cause", None)
        if isinstance(at, MaskwiseError):
            return at
        if isinstance(cause, MaskwiseError):
            return cause
        at = cause if isinstance(cause, BaseException) else at.__cause__
    return EngineError(f"the Ray cluster failed: {str(error).strip().splitlines()[-1][:300]}")
