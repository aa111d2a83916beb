from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from maskwise.statistics import parts
from maskwise.statistics.parts import comparable, difference, holm, p_value

SIMULATIONS = 400


def faces(*cells: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, part and stratum, from (right in the part, wrong in it, right outside, wrong outside) by stratum."""
    right = np.concatenate([np.repeat([True, False, True, False], cell) for cell in cells])
    part = np.concatenate([np.repeat([True, True, False, False], cell) for cell in cells])
    return right, part, np.repeat(np.arange(len(cells)), [sum(cell) for cell in cells])


@pytest.mark.parametrize("cell", [(37, 3, 995, 5), (30, 10, 80, 20), (5, 0, 3, 9), (0, 4, 6, 2), (20, 1, 1, 20)])
def test_one_class_of_strangers_gets_fishers_test(cell: tuple[int, int, int, int]) -> None:
    right, part, strata = faces(cell)
    a, b, c, d = cell
    assert p_value(right, part, strata, np.arange(len(right))) == pytest.approx(fisher_exact([[a, b], [c, d]])[1])


def test_over_two_classes_the_test_is_a_permutation_within_each() -> None:
    right, part, strata = faces((8, 4, 18, 2), (12, 3, 24, 3))
    wrong, rng = ~right, np.random.default_rng(0)
    draws = np.zeros(20_000, np.int64)
    for stratum in (0, 1):
        here = strata == stratum
        shuffled = rng.permuted(np.tile(part[here], (len(draws), 1)), axis=1)
        draws += (shuffled & wrong[here]).sum(axis=1)
    chances = np.bincount(draws) / len(draws)
    truth = chances[chances <= chances[(wrong & part).sum()] + 1e-9].sum()
    assert p_value(right, part, strata, np.arange(len(right))) == pytest.approx(truth, abs=0.01)


def test_a_part_of_a_harder_class_is_not_worse_for_that() -> None:
    """Half of class 1 is wrong, inside the part as outside; the part holds more of it."""
    right, part, strata = faces((10, 0, 90, 0), (40, 40, 10, 10))
    assert right[part].mean() < right[~part].mean() - 0.2
    away = difference(right, part, strata, np.arange(len(right)))
    assert away is not None
    assert away[0] == pytest.approx(0)
    assert p_value(right, part, strata, np.arange(len(right))) == pytest.approx(1)


def test_a_difference_is_the_parts_minus_what_the_rest_would_have_with_its_classes() -> None:
    right, part, strata = faces((20, 20, 90, 10), (9, 1, 6, 4))
    away = difference(right, part, strata, np.arange(len(right)))
    assert away is not None
    assert away[0] == pytest.approx(29 / 50 - (40 * 0.9 + 10 * 0.6) / 50)
    assert -1 <= away[1] < away[0] < away[2] <= 1


def test_about_95_of_100_intervals_hold_the_true_difference() -> None:
    rng, held = np.random.default_rng(0), []
    part = np.arange(150) < 50
    for _ in range(SIMULATIONS):
        right = rng.random(150) < np.where(part, 0.8, 0.95)
        _, low, high = difference(right, part, np.zeros(150, np.int64), np.arange(150)) or (0, 1, 1)
        held.append(low <= -0.15 <= high)
    assert 0.92 <= np.mean(held) <= 0.985


def test_where_nothing_is_comparable_nothing_is_said() -> None:
    right, part, strata = faces((3, 2, 0, 0), (0, 0, 4, 1))
    assert not comparable(part, strata).any()
    assert difference(right, part, strata, np.arange(10)) is None
    assert p_value(right, part, strata, np.arange(10)) == 1.0


def test_one_person_proves_nothing() -> None:
    """All faces of one person wrong, all others right: that may be the person."""
    right, part, strata = faces((0, 40, 200, 0))
    groups = np.where(part, 0, np.arange(len(right)))
    assert p_value(right, part, strata, np.arange(len(right))) < 1e-9
    assert p_value(right, part, strata, groups) == 1.0


def test_errors_that_hang_together_in_groups_prove_less() -> None:
    right, part, strata = faces((40, 20, 190, 10))
    alone, pairs = np.arange(260), np.arange(260) // 2
    assert p_value(right, part, strata, alone) < p_value(right, part, strata, pairs) < 0.05


@pytest.mark.parametrize("likeness", [0.0, 0.3])
def test_without_a_difference_few_p_values_are_small(likeness: float) -> None:
    """Groups with errors of their own; the part cuts across groups, though most groups lean to one side."""
    rng, values = np.random.default_rng(1), []
    for _ in range(SIMULATIONS):
        members = np.repeat(np.arange(120), rng.integers(1, 8, 120))
        spread = (1 - likeness) / likeness if likeness else math.inf
        ease = np.full(120, 0.9) if likeness == 0 else rng.beta(0.9 * spread, 0.1 * spread, 120)
        right = rng.random(len(members)) < ease[members]
        part = rng.random(len(members)) < np.where(rng.random(120) < 0.3, 0.9, 0.05)[members]
        strata = rng.integers(0, 2, len(members))
        values.append(p_value(right, part, strata, members))
    assert np.mean(np.array(values) < 0.05) <= 0.075
    assert np.mean(np.array(values) < 0.005) <= 0.015


def test_a_large_part_is_compared_in_a_moment() -> None:
    rng = np.random.default_rng(0)
    part, strata = rng.random(1_000_000) < 0.3, rng.integers(0, 3, 1_000_000)
    alike, worse = rng.random(1_000_000) < 0.9, rng.random(1_000_000) < np.where(part, 0.89, 0.9)
    assert p_value(alike, part, strata, np.arange(1_000_000)) > 0.01
    assert p_value(worse, part, strata, np.arange(1_000_000)) == parts.LEAST_P


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2, 0.6])
def test_holm_claims_what_his_procedure_rejects(level: float) -> None:
    """As Holm wrote it: the smallest against level / m, the next against level / (m - 1), until one fails."""
    p = (np.random.default_rng(0).random(20) ** 4).tolist()
    rejected = set()
    for step, i in enumerate(sorted(range(20), key=p.__getitem__)):
        if p[i] > level / (20 - step):
            break
        rejected.add(i)
    assert 0 < len(rejected) < 20
    assert {i for i, adjusted in enumerate(holm(p)) if adjusted <= level} == rejected


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == []
