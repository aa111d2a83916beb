"""Things in chunks: all of them, in their order, whatever the engine does with the chunks."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskwise.engines.chunks import in_chunks
from maskwise.engines.engine import Done, Engine, Lost
from maskwise.engines.local import Local
from tests.engines.both import engine  # noqa: F401 - a fixture
from tests.engines.losing import WHY, Losing


def squares() -> Callable[[list[int]], list[int]]:
    return lambda numbers: [n * n for n in numbers]


def seven_ends_it() -> Callable[[list[int]], list[int]]:
    return lambda numbers: [os.kill(os.getpid(), signal.SIGKILL) or 0 if n == 7 else n * n for n in numbers]  # type: ignore[func-returns-value]


def as_it_is() -> Callable[[list[Any]], list[Any]]:
    return lambda things: things


class Untold:
    """What nobody may write out: of large arrays that takes longer than the work."""

    def __repr__(self) -> str:
        raise AssertionError


@pytest.mark.parametrize("size", [1, 3, 20, 50])
def test_results_come_in_the_order_of_the_things(size: int) -> None:
    found = list(in_chunks(Losing(), squares, range(20), size))
    assert all(isinstance(one, Done) and len(one.task) <= size for one in found)
    assert [n for one in found for n in one.task] == list(range(20))
    assert [n for one in found if isinstance(one, Done) for n in one.result] == [n * n for n in range(20)]


def test_nothing_is_nothing() -> None:
    assert list(in_chunks(Losing(), squares, [], 4)) == []


def test_of_a_lost_chunk_only_what_ends_workers_is_lost() -> None:
    losing = Losing({6, 7}.__contains__)
    found = list(in_chunks(losing, squares, range(12), 4))
    assert [n for one in found for n in one.task] == list(range(12))
    assert [one for one in found if isinstance(one, Lost)] == [Lost([6], WHY), Lost([7], WHY)]
    assert sorted(losing.sizes) == [1, 1, 1, 1, 4, 4, 4]


def test_a_thing_that_ends_every_worker_is_lost_alone() -> None:
    found = list(in_chunks(Local(2, attempts=2), seven_ends_it, range(12), 4))
    assert [one for one in found if isinstance(one, Lost)] == [Lost([7], WHY)]
    assert [n for one in found for n in one.task] == list(range(12))


def test_anything_goes_through_as_it_is(engine: Engine) -> None:  # noqa: F811
    """Ray makes arrays of lists and tuples, unless they are hidden from it."""
    things = [(1, 2), [3, [4]], {"a": None}, "text", np.arange(3, dtype=np.int16), Untold()]
    found = [thing for one in in_chunks(engine, as_it_is, things, 2) if isinstance(one, Done) for thing in one.result]
    assert [type(thing) for thing in found] == [type(thing) for thing in things]
    assert found[:4] == things[:4]
    assert found[4].dtype == np.int16
    assert found[4].tolist() == [0, 1, 2]
