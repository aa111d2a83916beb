from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from maskwise.data.manifest import SCHEMA
from maskwise.errors import DataError
from maskwise.training.compare.pair import Pair, common_labels, pair
from maskwise.training.facts import FACTS
from maskwise.training.predictions import Predictions
from maskwise.values import CLASSES

TWO = ("masked", "unmasked")


def rows_of(n: int, **columns: Any) -> pl.DataFrame:
    given: dict[str, Any] = {
        "path": [f"/data/{i}.png" for i in range(n)],
        "label": [TWO[i % 2] for i in range(n)],
        "sha256": [f"{i:064x}" for i in range(n)],
    } | columns
    return pl.DataFrame({name: given.get(name, [None] * n) for name in SCHEMA}, schema=SCHEMA)


def test_a_third_class_is_left_out_of_the_question() -> None:
    rows = rows_of(3)
    three = Predictions(rows, CLASSES, np.array([[0.2, 0.6, 0.2], [0.3, 0.6, 0.1], [0, 1, 0]], np.float32))
    two = Predictions(rows, TWO, np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], np.float32))
    both = pair(three, two)
    assert both.a.labels == both.b.labels == TWO
    assert both.a.probabilities[:2].tolist() == pytest.approx(np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert both.a.probabilities[2].tolist() == [0.5, 0.5]  # it said nothing of either
    assert both.b.probabilities is two.probabilities


def test_labels_in_another_order_are_brought_together() -> None:
    rows = rows_of(1)
    one = Predictions(rows, TWO, np.array([[0.9, 0.1]], np.float32))
    other = Predictions(rows, TWO[::-1], np.array([[0.3, 0.7]], np.float32))
    assert pair(one, other).b.probabilities.tolist() == pytest.approx(np.array([[0.7, 0.3]]))


def test_one_class_in_common_is_not_enough() -> None:
    with pytest.raises(DataError, match="A knows masked, incorrect; B knows incorrect, unmasked: with only incorrect"):
        common_labels(("masked", "incorrect"), ("incorrect", "unmasked"))


def test_a_face_counts_where_both_could_judge_it() -> None:
    seen = rows_of(3)
    missed = seen.with_columns(pl.Series("error", [None, "no face found", None], pl.String))
    unread = seen.with_columns(pl.Series("error", [None, None, "cannot be read"], pl.String))
    answers = np.full((3, 2), 0.5, np.float32)
    both = pair(Predictions(missed, TWO, answers), Predictions(unread, TWO, answers))
    assert both.a.rows["error"].to_list() == both.b.rows["error"].to_list() == [None, "no face found", "cannot be read"]


def test_boxes_and_facts_are_those_of_the_model_that_was_measured_with() -> None:
    annotated = rows_of(2, x_min=[1, 1], y_min=[1, 1], x_max=[30, 30], y_max=[40, 40])
    found = annotated.with_columns(pl.lit(5.0, pl.Float32).alias("x_min"))
    facts = pl.DataFrame({name: [None] * 2 for name in FACTS}, schema=FACTS)
    answers = np.full((2, 2), 0.5, np.float32)
    plain, measured = Predictions(found, TWO, answers), Predictions(annotated, TWO, answers, facts)
    for both in (pair(plain, measured), pair(measured, plain)):
        assert both.a.rows["x_min"].to_list() == both.b.rows["x_min"].to_list() == [1, 1]
        assert both.a.facts is facts
    assert pair(plain, replace(measured, facts=None)).a.rows["x_min"].to_list() == [5, 5]


def test_the_table_holds_both_answers_beside_the_face() -> None:
    rows = rows_of(2, error=[None, "/data/1.png: gone"])
    a = Predictions(rows, TWO, np.array([[0.9, 0.1], [np.nan, np.nan]], np.float32))
    b = Predictions(rows, TWO, np.array([[0.25, 0.75], [np.nan, np.nan]], np.float32))
    first, second = pair(a, b).table().rows(named=True)
    assert (first["path"], first["label"]) == ("0.png", "masked")
    assert (first["a_predicted"], first["a_confidence"]) == ("masked", pytest.approx(0.9))
    assert (first["b_predicted"], first["b_p_unmasked"]) == ("unmasked", 0.75)
    assert (second["a_predicted"], second["b_predicted"], second["error"]) == (None, None, "gone")


def test_answers_about_other_pictures_are_refused() -> None:
    answers = np.full((2, 2), 0.5, np.float32)
    one, other = Predictions(rows_of(2), TWO, answers), Predictions(rows_of(2, path=["x", "y"]), TWO, answers)
    with pytest.raises(DataError, match="different pictures"):
        pair(one, other)
    with pytest.raises(DataError, match="different rows or classes"):
        Pair(one, other)
