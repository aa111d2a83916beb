"""A sink in a thread of its own: in order, nothing lost, and its errors are heard."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import pytest

from maskwise.errors import StorageError
from maskwise.stream.outputs.beside import DEPTH, Beside, MomentSink
from maskwise.stream.watching import Moment
from tests.stream.one_moment import moment


class Kept:
    """Keeps times; waits for a gate before each, and fails at one of them."""

    def __init__(self, fails_at: float | None = None, gate: threading.Event | None = None) -> None:
        self.times: list[float] = []
        self.threads: set[int] = set()
        self.closed = False
        self._fails_at, self.gate = fails_at, gate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closed = True

    def look(self, moment: Moment) -> None:
        if self.gate is not None:
            self.gate.wait(10)
        self.threads.add(threading.get_ident())
        if moment.frame.time_s == self._fails_at:
            raise StorageError("the disk is full")
        self.times.append(moment.frame.time_s or 0.0)


def hand_over(sink: MomentSink, count: int, error: Exception | None = None) -> None:
    with Beside(sink) as beside:
        for i in range(count):
            beside.look(moment(float(i)))
        if error is not None:
            raise error


def test_everything_arrives_in_order_from_another_thread() -> None:
    kept = Kept()
    hand_over(kept, 50)
    assert kept.times == [float(i) for i in range(50)]
    assert kept.threads.isdisjoint({threading.get_ident()})
    assert kept.closed


def test_an_error_is_raised_where_the_moments_come_from() -> None:
    kept = Kept(fails_at=3.0)
    with pytest.raises(StorageError, match="disk is full"):
        hand_over(kept, 1_000_000)
    assert kept.times == [0.0, 1.0, 2.0]
    assert kept.closed


def test_nothing_is_written_after_an_error() -> None:
    gate = threading.Event()
    kept = Kept(fails_at=0.0, gate=gate)
    with pytest.raises(StorageError, match="disk is full"):  # noqa: PT012, SIM117 - what is raised inside is the point
        with Beside(kept) as beside:
            for i in range(DEPTH):
                beside.look(moment(float(i)))
            gate.set()
            while True:  # until the error is known here
                beside.look(moment(100.0))
    assert kept.times == []


def test_an_error_of_the_last_moment_is_heard_at_the_end() -> None:
    kept = Kept(fails_at=2.0)
    with pytest.raises(StorageError, match="disk is full"):
        hand_over(kept, 3)
    assert kept.closed


def test_an_error_of_the_caller_is_not_replaced() -> None:
    kept = Kept(fails_at=0.0)
    with pytest.raises(KeyError, match="of the caller"):
        hand_over(kept, 1, KeyError("of the caller"))
    assert kept.closed


def test_whoever_is_faster_waits() -> None:
    gate = threading.Event()
    kept = Kept(gate=gate)
    handed = 0

    def fast() -> None:
        nonlocal handed
        with Beside(kept) as beside:
            for i in range(DEPTH + 10):
                beside.look(moment(float(i)))
                handed += 1

    thread = threading.Thread(target=fast)
    thread.start()
    thread.join(0.3)
    assert handed <= DEPTH + 1, "one is in hand and the others wait in line"
    gate.set()
    thread.join(10)
    assert len(kept.times) == DEPTH + 10
