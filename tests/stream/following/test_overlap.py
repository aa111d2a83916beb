"""Overlaps against counted pixels, and pairs against what a small table shows by eye."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.stream.following.overlap import paired
from maskwise.values import overlaps

CORNER = st.integers(0, 30)


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    return np.array([[min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1]], np.float32)


def painted(a: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = a[0].astype(int)
    area = np.zeros((40, 40), bool)
    area[y0:y1, x0:x1] = True
    return area


@given(st.tuples(*[CORNER] * 4), st.tuples(*[CORNER] * 4))
def test_overlap_is_what_counting_pixels_gives(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    a, b = box(*one), box(*other)
    share = (painted(a) & painted(b)).sum() / (painted(a) | painted(b)).sum()
    assert overlaps(a, b)[0, 0] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "pairs"),
    [
        ([[0.9, 0.2], [0.8, 0.1]], [(0, 0)]),
        ([[0.5, 0.4], [0.6, 0.1]], [(1, 0), (0, 1)]),
        ([[0.1, 0.2]], []),
        ([[0.3, 0.3]], [(0, 0)]),
    ],
)
def test_the_best_overlap_comes_first_and_everything_is_given_away_once(
    table: list[list[float]], pairs: list[tuple[int, int]]
) -> None:
    assert paired(np.array(table, np.float32), 0.3) == pairs


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_belongs_to_nothing(n: int, m: int) -> None:
    table = overlaps(np.zeros((n, 4), np.float32), np.zeros((m, 4), np.float32))
    assert table.shape == (n, m)
    assert paired(table, 0.1) == []
