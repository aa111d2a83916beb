from __future__ import annotations

import threading

import pytest

from maskwise.model.verdict import Thresholds
from maskwise.serving.checking.answers import Wish
from maskwise.serving.checking.line import Job, Line
from maskwise.serving.checking.looking import Sent


def jobs(count: int, *, keep: bool = False) -> list[Job]:
    return [Job(Sent(b"", index=i, keep=keep), Wish(Thresholds()), lambda _: None) for i in range(count)]


def indices(line: Line, most: int) -> list[int]:
    batch = line.take(most)
    return [] if batch is None else [job.sent.index for job in batch.jobs]


def test_first_come_first_served_in_shares_that_leave_work_for_the_others() -> None:
    line = Line(100, workers=2)
    assert line.add(jobs(20))
    assert indices(line, 4) == [0, 1, 2, 3]
    assert indices(line, 4) == [4, 5, 6, 7]
    assert indices(line, 4) == [8, 9, 10]  # of 12 a quarter each: every worker twice
    assert indices(line, 4) == [11, 12, 13]
    assert indices(line, 4) == [14, 15]


def test_who_comes_alone_is_told_so() -> None:
    line = Line(100, workers=2)
    line.add(jobs(1))
    first = line.take(4)
    line.add(jobs(1))
    second = line.take(4)
    line.finished()
    line.finished()
    line.add(jobs(2))
    third = line.take(4)
    assert [batch and batch.alone for batch in (first, second, third)] == [True, False, False]


@pytest.mark.parametrize(
    ("there", "come", "enters"), [(0, 3, True), (3, 1, False), (1, 2, True), (1, 3, False), (0, 9, True)]
)
def test_all_pictures_of_a_request_enter_or_none(there: int, come: int, enters: bool) -> None:
    line = Line(3, workers=1)
    line.add(jobs(there))
    assert line.add(jobs(come)) is enters
    assert len(line) == there + come * enters


def test_whoever_leaves_frees_the_place() -> None:
    line = Line(3, workers=1)
    mine, others = jobs(2), jobs(1)
    line.add(mine)
    line.add(others)
    assert not line.add(jobs(1))
    line.leave(mine)
    assert len(line) == 1
    assert line.add(jobs(2))
    line.leave(mine)  # once more does no harm
    assert len(line) == 3


def test_pictures_whose_pixels_are_kept_come_one_at_a_time() -> None:
    line = Line(100, workers=1)
    line.add(jobs(16, keep=True))
    assert [indices(line, 4) for _ in range(3)] == [[0], [1], [2]]


def test_a_closed_line_is_emptied_and_takes_nobody() -> None:
    line = Line(100, workers=1)
    line.add(jobs(1))
    line.close()
    assert not line.add(jobs(1))
    assert indices(line, 4) == [0]
    assert line.take(4) is None


def test_closing_wakes_whoever_waits() -> None:
    line = Line(100, workers=1)
    waiting = threading.Thread(target=line.take, args=(4,))
    waiting.start()
    line.close()
    waiting.join(10)
    assert not waiting.is_alive()
