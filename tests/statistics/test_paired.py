from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2

from maskwise.statistics import paired
from maskwise.statistics.parts import LEAST_P

Flags = NDArray[np.bool_]


def answers(only_b: int, only_a: int, both: int = 20, neither: int = 5) -> tuple[Flags, Flags]:
    """Faces of which so many are judged rightly by whom."""
    a = [False] * only_b + [True] * only_a + [True] * both + [False] * neither
    b = [True] * only_b + [False] * only_a + [True] * both + [False] * neither
    return np.array(a, bool), np.array(b, bool)


def drawn(
    rng: np.random.Generator, groups: int, size: int, gain: float, loss: float, alike: float
) -> tuple[Flags, Flags]:
    """Two models on faces in groups; `alike`: how often a whole group has one outcome."""
    one = np.repeat(rng.random(groups) < alike, size)
    u = np.where(one, np.repeat(rng.random(groups), size), rng.random(groups * size))
    return ~(u < gain), ~((u >= gain) & (u < gain + loss))


@pytest.mark.parametrize(("only_b", "only_a"), [(0, 0), (1, 0), (5, 0), (6, 0), (12, 3), (31, 30), (140, 90)])
def test_alone_faces_are_tested_by_mcnemars_exact_test(only_b: int, only_a: int) -> None:
    a, b = answers(only_b, only_a)
    expected = binomtest(only_b, only_b + only_a).pvalue if only_b + only_a else 1.0
    assert paired.p_value(a, b, np.arange(len(a))) == pytest.approx(expected)
    assert paired.outcomes(a, b) == (20, only_a, only_b, 5)


@pytest.mark.parametrize("seed", range(6))
def test_grouped_faces_are_tested_by_every_change_of_signs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 9, 40) * 7
    a, b = rng.random(40) < 0.6, rng.random(40) < 0.8
    leads = [int(b[groups == g].sum()) - int(a[groups == g].sum()) for g in np.unique(groups)]
    swapped = [abs(sum(s * lead for s, lead in zip(signs, leads, strict=True))) for signs in product((-1, 1), repeat=9)]
    expected = np.mean([total >= abs(sum(leads)) for total in swapped])
    assert paired.p_value(a, b, groups) == pytest.approx(expected)


def test_with_many_groups_it_is_the_usual_chi_square() -> None:
    """135 pairs from 29 psychiatrists, Petryshen (1989): a data set that papers on clustered pairs work through."""
    b = [0, 1, 1, 1, 0, 3, 3, 3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0]
    c = [4, 2, 3, 2, 1, 3, 0, 2, 2, 4, 2, 4, 3, 2, 1, 3, 1, 2, 0, 0, 0, 2, 1, 2, 2, 0, 0, 1, 1]
    right = [(x, y) for one, other in zip(b, c, strict=True) for x, y in [(1, 0)] * one + [(0, 1)] * other]
    groups = np.repeat(np.arange(29), np.add(b, c))
    first, second = (np.array(side, bool) for side in zip(*right, strict=True))
    lead = np.subtract(b, c)
    approximate = chi2.sf(lead.sum() ** 2 / (lead @ lead), 1)
    assert paired.p_value(first, second, groups) == pytest.approx(approximate, abs=0.003)


def test_few_groups_prove_nothing_however_many_faces_they_have() -> None:
    a, b = np.zeros(500, bool), np.ones(500, bool)
    assert paired.p_value(a, b, np.zeros(500, np.int64)) == 1
    assert paired.p_value(a, b, np.arange(500) % 5) > 0.05
    assert paired.p_value(a, b, np.arange(500) % 6) < 0.05
    assert paired.p_value(a, b, np.arange(500)) == LEAST_P
    assert paired.detectable(a, b, np.arange(500) % 5) == 1


def test_the_difference_is_that_of_the_shares_and_turns_round_with_the_models() -> None:
    a, b = answers(17, 6, 60, 10)
    there, back = (paired.difference(*sides, np.arange(len(a))) for sides in ((a, b), (b, a)))
    assert there.value == pytest.approx(b.mean() - a.mean())
    assert there.low < there.value < there.high
    assert (back.value, back.n) == (-there.value, len(a))
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=0.01)
    # Wald's interval for two independent shares, by hand: not knowing that the faces are the same costs precision.
    assert there.high - there.low < 2 * 1.96 * math.sqrt(a.var() / len(a) + b.var() / len(b))


def test_models_that_never_differed_are_not_known_to_be_alike() -> None:
    a = np.arange(40) % 4 > 0
    found = paired.difference(a, a, np.arange(40))
    assert found.value == 0
    assert found.low < -0.05
    assert found.high > 0.05
    assert paired.p_value(a, a, np.arange(40)) == 1
    assert paired.detectable(a, a, np.arange(40)) == pytest.approx(8 / 40)


def test_groups_widen_the_interval_and_weaken_the_claim() -> None:
    a, b = (np.repeat(side, 6) for side in answers(9, 1, 40, 10))
    alone, groups = np.arange(len(a)), np.repeat(np.arange(60), 6)
    narrow, wide = (paired.difference(a, b, g) for g in (alone, groups))
    assert narrow.value == wide.value
    assert wide.low < narrow.low
    assert wide.high > narrow.high
    assert paired.p_value(a, b, alone) < 1e-6 < 0.01 < paired.p_value(a, b, groups)
    assert paired.p_value(a, b, groups) == pytest.approx(binomtest(9, 10).pvalue)
    assert paired.detectable(a, b, groups) > 2 * paired.detectable(a, b, alone)


def test_balanced_accuracy_is_not_moved_by_a_common_class() -> None:
    target = np.repeat([0, 1], [180, 20])
    a = np.ones(200, bool)
    a[180:190] = False
    b = np.ones(200, bool)
    b[:18] = False
    found = paired.mean_recall_difference(a, b, target, np.arange(200))
    assert found.value == pytest.approx((0.9 + 1) / 2 - (1 + 0.5) / 2)
    assert found.low < found.value < found.high
    assert paired.difference(a, b, np.arange(200)).value == pytest.approx(-0.04)


def test_without_faces_nothing_is_defined() -> None:
    none, nobody = np.zeros(0, bool), np.zeros(0, np.int64)
    assert math.isnan(paired.difference(none, none, nobody).value)
    assert math.isnan(paired.mean_recall_difference(none, none, nobody, nobody).value)
    assert (paired.p_value(none, none, nobody), paired.detectable(none, none, nobody)) == (1, 1)


@pytest.mark.parametrize(
    ("groups", "size", "gain", "loss", "alike"), [(200, 1, 0.06, 0.03, 0.0), (40, 5, 0.1, 0.05, 0.5)]
)
def test_the_interval_holds_the_truth(groups: int, size: int, gain: float, loss: float, alike: float) -> None:
    rng, codes = np.random.default_rng(0), np.repeat(np.arange(groups), size)
    found = [paired.difference(*drawn(rng, groups, size, gain, loss, alike), codes) for _ in range(150)]
    assert np.mean([f.low <= gain - loss <= f.high for f in found]) >= 0.92


@pytest.mark.parametrize(("groups", "size", "alike"), [(150, 1, 0.0), (30, 6, 0.6), (12, 10, 0.9)])
def test_equal_models_are_seldom_told_apart(groups: int, size: int, alike: float) -> None:
    rng, codes = np.random.default_rng(1), np.repeat(np.arange(groups), size)
    p = [paired.p_value(*drawn(rng, groups, size, 0.08, 0.08, alike), codes) for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) <= 0.065


@pytest.mark.parametrize(("groups", "size", "alike"), [(400, 1, 0.0), (60, 5, 0.5)])
def test_the_detectable_difference_would_mostly_be_seen(groups: int, size: int, alike: float) -> None:
    rng, codes = np.random.default_rng(2), np.repeat(np.arange(groups), size)
    away = float(np.mean([paired.detectable(*drawn(rng, groups, size, 0.1, 0.1, alike), codes) for _ in range(30)]))
    pairs = [drawn(rng, groups, size, 0.1 + away / 2, 0.1 - away / 2, alike) for _ in range(200)]
    assert 0.7 <= np.mean([paired.p_value(*pair, codes) < 0.05 for pair in pairs]) <= 0.9
