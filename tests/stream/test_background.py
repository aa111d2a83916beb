from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.stream.background import background


@given(st.lists(st.integers(), max_size=40), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_nothing_is_lost_or_reordered(items: list[int], depth: int) -> None:
    assert list(background(map(str, background(items, depth)), depth)) == [str(i) for i in items]


def test_steps_run_side_by_side() -> None:
    begun = [threading.Event() for _ in range(6)]

    def first() -> Iterator[int]:
        for item, event in enumerate(begun):
            event.set()
            yield item

    def second(item: int) -> bool:
        """While this step has an item in hand the first one begins the next; one after the other, it would not."""
        return begun[min(item + 1, 5)].wait(5)

    assert all(map(second, background(first())))
    assert len(begun) == 6


def test_it_runs_ahead_by_its_depth_and_no_further() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    reader = background(items(), depth=3)
    assert next(reader) == 0
    time.sleep(0.2)
    assert 4 <= len(made) <= 5  # taken, waiting, and one in hand
    reader.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("the cable")

    seen: list[int] = []
    with pytest.raises(OSError, match="the cable"):
        seen.extend(background(i * 2 for i in background(items())))
    assert seen == [0, 2, 4, 6, 8]


def test_an_early_end_ends_every_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    before = threading.active_count()
    first = background(items())
    second = background(i + 1 for i in first)
    assert next(second) == 1
    second.close()
    first.close()
    assert closed.wait(2)
    assert threading.active_count() == before
