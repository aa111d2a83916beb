from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from maskwise.training.facts import FACTS
from maskwise.training.judged import Judged, judge
from maskwise.training.predictions import Predictions
from maskwise.training.slices import BINS, CLAIMED_BELOW, compare, cut_by_facts, measure_slices
from maskwise.values import CLASSES
from tests.builders import rows_of

N = 600


def facts_of(n: int = N, seed: int = 0, **columns: Any) -> pl.DataFrame:
    """Facts at random."""
    rng = np.random.default_rng(seed)
    given: dict[str, Any] = {
        "face_px": [None] * n,
        "sharpness": rng.uniform(0.05, 0.8, n),
        "brightness": rng.uniform(30, 200, n),
        "yaw_deg": np.where(rng.random(n) < 0.1, math.nan, rng.normal(0, 30, n)),
        "mask_colour": rng.choice(["dark", "white", "other"], n),
    } | columns
    return pl.DataFrame({name: pl.Series(list(given[name]), dtype=dtype) for name, dtype in FACTS.items()})


def measured(
    wrong: NDArray[np.bool_], rows: pl.DataFrame | None = None, facts: pl.DataFrame | None = None, seed: int = 0
) -> dict[str, Any]:
    """The slices of a model that errs just there."""
    judged, predictions = answered(wrong, rows if rows is not None else rows_of(len(wrong)), facts)
    return measure_slices(judged, predictions, seed)


def answered(
    wrong: NDArray[np.bool_], rows: pl.DataFrame, facts: pl.DataFrame | None = None
) -> tuple[Judged, Predictions]:
    target = np.array([CLASSES.index(label) for label in rows["label"]])
    probabilities = np.full((len(wrong), 3), 0.05, np.float32)
    probabilities[np.arange(len(wrong)), (target + wrong) % 3] = 0.9
    predictions = Predictions(rows, CLASSES, probabilities, facts)
    return judge(predictions), predictions


def named(content: dict[str, Any], fact: str, name: str) -> dict[str, Any]:
    found = [s for s in content["shown"] if (s["fact"], s["name"]) == (fact, name)]
    assert len(found) == 1, [(s["fact"], s["name"]) for s in content["shown"]]
    return dict(found[0])


def errs(rng: np.random.Generator, where: NDArray[np.bool_], often: float, seldom: float = 0.05) -> NDArray[np.bool_]:
    return np.asarray(rng.random(len(where)) < np.where(where, often, seldom))


def test_a_slice_with_planted_errors_is_found_and_named() -> None:
    facts = facts_of()
    sideways = np.abs(facts["yaw_deg"].to_numpy()) >= 45
    wrong = errs(np.random.default_rng(1), sideways, 0.4)
    content = measured(wrong, facts=facts)
    planted = named(content, "yaw", "45° and more")
    assert content["worst"] == planted
    assert planted["clearly"] == "worse"
    assert planted["n"] == sideways.sum() >= 30
    assert planted["accuracy"]["value"] == pytest.approx(1 - wrong[sideways].mean())
    assert planted["difference"]["low"] < planted["difference"]["value"] < planted["difference"]["high"] < 0
    assert planted["p_adjusted"] < 0.05
    assert content["sentence"].startswith("Clearly worst slice: yaw 45° and more. Out of 100 such faces, ")
    assert content["sentence"].endswith(f"counted on {sideways.sum()} faces.")


@pytest.mark.parametrize(
    ("fact", "name", "column", "value"),
    [
        ("mask kind", "gaiter", "kind", "gaiter"),
        ("source", "elsewhere", "source", "elsewhere"),
        ("provenance", "rendered", "provenance", "rendered"),
    ],
)
def test_what_the_manifest_knows_is_cut_by_too(fact: str, name: str, column: str, value: str) -> None:
    where = np.arange(N) % 4 == 0
    changed: dict[str, Any] = {column: [value if w else ("set" if column == "source" else None) for w in where]}
    rows = rows_of(N, **changed)
    content = measured(errs(np.random.default_rng(2), where, 0.5), rows)
    assert (content["worst"]["fact"], content["worst"]["name"]) == (fact, name)
    assert content["worst"]["fact"] in content["sentence"]


def test_a_hard_negative_is_compared_with_other_bare_faces() -> None:
    """Hands at the mouth of half of the bare faces; masks are judged worse than either, and do not matter."""
    bare = np.array([i % 3 == 2 for i in range(N)])
    hand = bare & (np.arange(N) % 2 == 0)
    rows = rows_of(N, kind=["hand" if h else None for h in hand])
    wrong = errs(np.random.default_rng(3), ~bare, 0.6, 0.0) | errs(np.random.default_rng(4), hand, 0.4, 0.0)
    content = measured(wrong, rows)
    found = named(content, "hard negative", "hand")
    assert found["rest"] == (bare & ~hand).sum()
    assert found["difference"]["value"] == pytest.approx(-wrong[hand].mean())
    assert found["clearly"] == "worse"
    assert not [s for s in content["shown"] if s["fact"] == "mask kind"]


def test_uniform_errors_make_no_claim_in_about_95_of_100_reports() -> None:
    """Errors anywhere alike: with every face alone, and with people who are harder or easier."""
    people = np.random.default_rng(0).integers(0, 150, N)
    judged = {
        name: answered(np.zeros(N, bool), rows_of(N, group=groups))[0]
        for name, groups in (("alone", [None] * N), ("people", [f"{p}" for p in people]))
    }
    claims: dict[str, list[bool]] = {"alone": [], "people": []}
    for seed in range(100):
        rng, cut = np.random.default_rng(seed), cut_by_facts(rows_of(N), facts_of(seed=1000 + seed))
        often = {"alone": np.full(N, 0.1), "people": rng.beta(0.5, 4.5, 150)[people]}
        for name, faces in judged.items():
            predicted = (faces.target + (rng.random(N) < often[name])) % 3
            p = [adjusted for _, adjusted in compare(cut, replace(faces, predicted=predicted)) if adjusted is not None]
            assert len(p) >= 20
            claims[name].append(min(p) < CLAIMED_BELOW)
    assert all(np.mean(made) <= 0.08 for made in claims.values()), claims


def test_small_slices_are_shown_and_never_claimed() -> None:
    """29 faces of one source, all over the data, every one of them wrong."""
    order = np.random.default_rng(0).permutation(N)
    where = order < 29
    rows = rows_of(N, source=["few" if w else "many" for w in where])
    content = measured(where, rows)
    few = named(content, "source", "few")
    assert (few["n"], few["accuracy"]["value"], few["p"], few["clearly"]) == (29, 0.0, None, None)
    assert named(content, "source", "many")["clearly"] is None  # its rest is too small
    assert content["worst"] is None
    assert content["sentence"].startswith("No slice is clearly worse than the rest; ")
    where = order < 30
    rows = rows_of(N, source=["few" if w else "many" for w in where])
    assert measured(where, rows)["worst"]["name"] == "few"


def test_without_enough_faces_nothing_is_compared() -> None:
    content = measured(np.zeros(20, bool), rows_of(20))
    assert content["tested"] == 0
    assert content["sentence"] == "No kind of face could be compared with the rest: that takes 30 faces on both sides."


def test_an_easier_slice_is_better_and_never_the_worst() -> None:
    where = np.arange(N) % 2 == 0
    rows = rows_of(N, provenance=["rendered" if w else "photograph" for w in where])
    content = measured(errs(np.random.default_rng(5), ~where, 0.4), rows)
    assert named(content, "provenance", "rendered")["clearly"] == "better"
    assert content["worst"]["name"] == "photograph"


def test_bins_hold_their_lower_edge_and_every_face_is_in_one() -> None:
    widths = [15, 16, 23, 24, 31, 32, 63, 64, 127, 128, 500]
    rows = rows_of(11, width=widths, height=[600] * 11)
    sizes = [s for s in cut_by_facts(rows, None) if s.fact == "face size"]
    assert [(s.name, np.flatnonzero(s.faces).tolist()) for s in sizes] == [
        ("under 16 px", [0]), ("16 to 24 px", [1, 2]), ("24 to 32 px", [3, 4]), ("32 to 64 px", [5, 6]),
        ("64 to 128 px", [7, 8]), ("128 px and more", [9, 10]),
    ]  # fmt: skip


def test_yaw_counts_either_side_and_a_face_not_found_has_its_own_slice() -> None:
    yaws = [-50.0, 50.0, -10.0, 10.0, math.nan, None]
    cut = [s for s in cut_by_facts(rows_of(6), facts_of(6, yaw_deg=yaws)) if s.fact == "yaw"]
    assert [(s.name, np.flatnonzero(s.faces).tolist()) for s in cut] == [
        ("under 15°", [2, 3]), ("45° and more", [0, 1]), ("not found", [4]),
    ]  # fmt: skip


def test_every_slice_of_a_measured_fact_counts_its_faces_once() -> None:
    slices = cut_by_facts(rows_of(N), facts_of())
    for bins in BINS.values():
        parts = [s.faces for s in slices if s.fact == bins.fact]
        assert len(parts) > 3
        assert (np.sum(parts, axis=0) == 1).all()


def test_without_facts_only_the_manifest_is_cut_by() -> None:
    assert {s.fact for s in cut_by_facts(rows_of(N), None)} == {"face size", "provenance", "source"}
    assert {s["fact"] for s in measured(np.zeros(N, bool))["shown"]} == {"face size"}  # one source is no slice


def test_rows_that_were_not_judged_are_in_no_slice_and_all_is_json() -> None:
    rows = rows_of(N).with_columns(error=pl.when(pl.int_range(N) < 100).then(pl.lit("damaged")))
    facts = facts_of().with_columns(
        pl.when(pl.int_range(N) < 100).then(None).otherwise(pl.col(name)).alias(name) for name in FACTS
    )
    probabilities = np.full((N, 3), 1 / 3, np.float32)
    probabilities[:100] = np.nan
    predictions = Predictions(rows, CLASSES, probabilities, facts)
    content = measure_slices(judge(predictions), predictions)
    assert sum(s["n"] for s in content["shown"] if s["fact"] == "yaw") == N - 100
    json.dumps(content, allow_nan=False)
