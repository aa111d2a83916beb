"""Processes of this machine: each task once, whatever ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from maskwise.engines.engine import Done, Lost
from maskwise.engines.local import Local
from maskwise.errors import ConfigError, EngineError
from tests.engines.tasks import Squares, broken, refusing, unready


def children() -> list[psutil.Process]:
    """Workers of this process that live."""
    alive = psutil.Process().children(recursive=True)
    return [one for one in alive if "spawn_main" in " ".join(one.cmdline()) and one.status() != psutil.STATUS_ZOMBIE]


def test_each_task_is_done_once(tmp_path: Path) -> None:
    done = list(Local(3).map(Squares(tmp_path), range(50)))
    assert sorted(done, key=lambda one: one.task) == [Done(n, n * n) for n in range(50)]
    assert len(list(tmp_path.glob("did-*"))) == 50
    assert not children()


def test_no_task_needs_no_worker(tmp_path: Path) -> None:
    assert list(Local(2).map(Squares(tmp_path), [])) == []


def test_what_a_worker_was_at_when_it_was_killed_is_done_by_another(tmp_path: Path) -> None:
    make = Squares(tmp_path, fatal=((3, 1), (4, 2), (9, 4)))
    done = list(Local(2).map(make, range(12)))
    assert sorted(done, key=lambda one: one.task) == [Done(n, n * n) for n in range(12)]
    assert len(list(tmp_path.glob("died-*"))) == 7


def test_a_task_that_ends_every_worker_is_lost_alone(tmp_path: Path) -> None:
    found = list(Local(2, attempts=3).map(Squares(tmp_path, fatal=((5, 99),)), range(10)))
    assert [one for one in found if isinstance(one, Lost)] == [Lost(5, "the process was ended by SIGKILL")]
    assert {one.task for one in found} == set(range(10))
    assert len(list(tmp_path.glob("died-5-*"))) == 3


def test_tasks_are_taken_as_workers_come_free(tmp_path: Path) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    running = Local(2).map(Squares(tmp_path), tasks())
    for _ in range(10):
        next(running)
    assert len(taken) <= 16
    running.close()  # type: ignore[attr-defined]  # it is a generator
    assert not children()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (unready, EngineError, "workers end before they can work: the process ended with exit code 7"),
        (refusing, ConfigError, "threads: -1 is below 0"),
        (broken, EngineError, "a worker failed: ZeroDivisionError"),
    ],
)
def test_a_fault_of_every_task_is_told_once(make: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        list(Local(2).map(make, range(5)))  # type: ignore[arg-type]
    assert not children()


def test_workers_end_with_the_one_that_hands_out_tasks(tmp_path: Path) -> None:
    running = Local(2).map(Squares(tmp_path), range(1_000))
    next(running)
    assert len(children()) == 2
    assert all(one.pid != os.getpid() for one in children())
    running.close()  # type: ignore[attr-defined]
    assert not children()
