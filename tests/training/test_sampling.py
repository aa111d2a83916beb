from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from maskwise.errors import ConfigError
from maskwise.training.loader import Examples, epoch_order
from maskwise.training.recipe import Sampling
from maskwise.training.sampling import weights_of

BALANCED = Sampling("balanced", rendered=0.25)
ROWS = pl.DataFrame(
    {
        "label": ["masked"] * 90 + ["unmasked"] * 10 + ["incorrect"] * 7,
        "source": ["a"] * 80 + ["b"] * 5 + ["c"] * 5 + ["a"] * 10 + ["c"] * 7,
        "provenance": [None] * 85 + ["rendered"] * 5 + ["photograph"] * 10 + ["rendered"] * 7,
    }
)


def share(weights: np.ndarray, **where: str | None) -> float:
    chosen = ROWS.select(pl.all_horizontal(pl.col(name).eq_missing(value) for name, value in where.items()))
    return float(weights[chosen.to_series().to_numpy()].sum())


def test_classes_sources_and_rendered_pictures_get_their_shares() -> None:
    weights = weights_of(ROWS, BALANCED)
    assert weights is not None
    assert weights.sum() == pytest.approx(1)
    assert [share(weights, label=name) for name in ("masked", "unmasked", "incorrect")] == pytest.approx([1 / 3] * 3)
    assert share(weights, label="masked", provenance="rendered") == pytest.approx(0.25 / 3)
    assert share(weights, label="incorrect", provenance="rendered") == pytest.approx(1 / 3), "it has nothing else"
    of_a, of_b = (share(weights, label="masked", source=name) for name in ("a", "b"))
    assert of_a / of_b == pytest.approx((80 / 5) ** 0.5)


def test_a_class_comes_as_often_as_the_recipe_says() -> None:
    weights = weights_of(ROWS, Sampling("balanced", {"masked": 2, "incorrect": 1, "unmasked": 2}))
    assert weights is not None
    got = [share(weights, label=name) for name in ("masked", "incorrect", "unmasked")]
    assert got == pytest.approx([0.4, 0.2, 0.4])


def test_what_is_not_a_face_comes_as_often_as_the_recipe_says() -> None:
    rows = ROWS.with_columns(
        label=pl.when(pl.col("label") == "incorrect").then(pl.lit("not_a_face")).otherwise("label")
    )
    weights = weights_of(rows, Sampling("balanced", {"masked": 2, "unmasked": 2, "not_a_face": 0.5}))
    assert weights is not None
    assert float(weights[(rows["label"] == "not_a_face").to_numpy()].sum()) == pytest.approx(0.5 / 4.5)


def test_one_class_can_have_another_share_of_rendered_pictures() -> None:
    rows = pl.concat(
        [ROWS, ROWS.filter(pl.col("label") == "incorrect").with_columns(provenance=pl.lit(None, pl.String))]
    )
    weights = weights_of(rows, Sampling("balanced", rendered=0.25, rendered_of={"incorrect": 0.6}))
    assert weights is not None
    drawn = (rows["provenance"].eq_missing("rendered")).to_numpy()
    for label, wanted in (("incorrect", 0.6), ("masked", 0.25)):
        of_class = (rows["label"] == label).to_numpy()
        assert weights[of_class & drawn].sum() / weights[of_class].sum() == pytest.approx(wanted)


def test_a_source_can_come_less_often_or_never() -> None:
    plain, less, never = (
        weights_of(ROWS, Sampling("balanced", rendered=0.25, sources=sources))
        for sources in ({}, {"b": 0.5}, {"b": 0.0, "c": 0.0})
    )
    assert plain is not None
    assert less is not None
    assert never is not None
    ratios = [share(w, label="masked", source="b") / share(w, label="masked", source="a") for w in (plain, less, never)]
    assert ratios == pytest.approx([ratios[0], ratios[0] / 2, 0])
    assert share(less, label="masked", provenance="rendered") == pytest.approx(0.25 / 3)
    assert share(never, label="incorrect") == 0, "nothing is left of it"
    assert share(never, label="masked", source="a") == pytest.approx(0.5)


def test_leaving_out_every_source_is_an_error() -> None:
    with pytest.raises(ConfigError, match="leaves nothing to train on"):
        weights_of(ROWS, Sampling("balanced", sources=dict.fromkeys("abc", 0)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rendered_of": {"bearded": 0.5}}, "sampling.rendered_of: 'bearded' is not a class"),
        ({"rendered_of": {"masked": 1.5}}, "sampling.rendered_of.masked: 1.5"),
        ({"sources": {"a": -1}}, "sampling.sources.a: -1 must not be below 0"),
    ],
)
def test_wrong_shares(wrong: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampling("balanced", **wrong)  # type: ignore[arg-type]


def test_once_has_no_weights() -> None:
    assert weights_of(ROWS, Sampling()) is None
    assert weights_of(ROWS[:0], BALANCED) is None


def of(n: int, weights: np.ndarray | None = None) -> Examples:
    return Examples(np.zeros((n, 1, 1, 3), np.uint8), np.zeros(n, np.int64), weights)


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own() -> None:
    first, again, second = (epoch_order(of(103), Sampling(), 3, epoch) for epoch in (0, 0, 1))
    assert sorted(first) == list(range(103))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_balanced_epoch_draws_by_weight_and_has_the_size_it_is_given() -> None:
    data = of(107, weights_of(ROWS, BALANCED))
    order = epoch_order(data, Sampling("balanced", size=30_000), 0, 0)
    assert len(order) == 30_000
    drawn = np.bincount(order, minlength=107) / 30_000
    rare = drawn[100:].sum()  # 7 of 107 rows, a third of the draws
    assert abs(rare - 1 / 3) < 4 * (1 / 3 * 2 / 3 / 30_000) ** 0.5
    assert len(epoch_order(data, BALANCED, 0, 0)) == 107
    assert np.array_equal(epoch_order(data, BALANCED, 0, 4), epoch_order(data, BALANCED, 0, 4))
