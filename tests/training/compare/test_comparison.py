from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from maskwise.errors import DataError
from maskwise.training.compare.comparison import Comparison, compare
from maskwise.training.compare.pair import pair
from maskwise.training.compare.report import render
from maskwise.training.facts import FACTS
from maskwise.training.predictions import Predictions
from maskwise.values import CLASSES
from tests.builders import rows_of

Flags = NDArray[np.bool_]
N = 300


def model(**known: Any) -> dict[str, Any]:
    """What is told of a model."""
    return {
        "name": "m", "network": "tiny", "precision": "fp32", "labels": list(CLASSES), "trained_on": None,
        "split_check": None, "sha256": "0" * 64, "faces": "whole", "crop": {"size_px": 32, "margin": 0.0},
        "model_onnx_bytes": 1000, "ms_per_face": {"mean": 1.0, "fastest": 0.5},
    } | known  # fmt: skip


def compared(
    a_wrong: Flags, b_wrong: Flags, rows: pl.DataFrame | None = None, facts: pl.DataFrame | None = None, **told: Any
) -> Comparison:
    """Two models that err just there."""
    rows = rows_of(len(a_wrong)) if rows is None else rows
    sides = []
    for wrong, confidence, own in ((a_wrong, 0.9, facts), (b_wrong, 0.8, None)):
        target = np.array([CLASSES.index(label) for label in rows["label"]])
        probabilities = np.full((len(wrong), 3), (1 - confidence) / 2, np.float32)
        probabilities[np.arange(len(wrong)), (target + wrong) % 3] = confidence
        sides.append(Predictions(rows, CLASSES, probabilities, own))
    return compare(pair(*sides), told.pop("models", {"a": model(name="old"), "b": model(name="new")}), **told)


def errs(rng: np.random.Generator, share: float | NDArray[np.float64], n: int = N) -> Flags:
    return np.asarray(rng.random(n) < share, bool)


def test_a_planted_improvement_is_found_and_turns_round_with_the_models() -> None:
    rng = np.random.default_rng(0)
    worse, better = errs(rng, 0.2), errs(rng, 0.05)
    found, back = (compared(*sides).to_json() for sides in ((worse, better), (better, worse)))
    assert (found["clearly"], back["clearly"]) == ("better", "worse")
    assert found["p"] == back["p"] < 0.001
    difference = found["accuracy"]["difference"]
    assert difference["value"] == pytest.approx(worse.mean() - better.mean())
    assert 0 < difference["low"] < difference["value"] < difference["high"]
    assert found["outcomes"] == {
        "both_right": int((~worse & ~better).sum()), "only_a": int((~worse & better).sum()),
        "only_b": int((worse & ~better).sum()), "both_wrong": int((worse & better).sum()),
    }  # fmt: skip
    low, high = int(1000 * difference["low"]), int(np.ceil(1000 * difference["high"]))
    assert found["verdict"] == (
        f"B is better: of 1,000 faces it judges {low} to {high} more rightly; counted on 300 faces."
    )
    assert f"it judges {low} to {high} fewer rightly" in back["verdict"]
    assert found["summary"][0] == found["verdict"]


def test_equal_models_are_seldom_called_different() -> None:
    rng = np.random.default_rng(1)
    claims = [compared(errs(rng, 0.1, 90), errs(rng, 0.1, 90)).to_json()["clearly"] for _ in range(40)]
    assert sum(claim is not None for claim in claims) <= 4  # two are to be expected, more than four in 1 of 20 runs


def test_what_cannot_be_seen_is_told_with_what_could_have_been() -> None:
    wrong = np.arange(N) % 10 == 0
    found = compared(wrong, np.roll(wrong, 1)).to_json()
    assert (found["clearly"], found["p"]) == (None, 1)
    assert found["verdict"].startswith("No difference can be seen: of 1,000 faces B may judge up to ")
    assert f"one of {100 * found['detectable']:.1f} points would have been seen" in found["verdict"]
    assert any("not shown to be none" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("n", "groups", "said"),
    [(24, None, "on 24 faces: that takes 30"), (60, 5, "from only 5 independent groups")],
)
def test_few_faces_or_people_allow_no_claim(n: int, groups: int | None, said: str) -> None:
    rows = rows_of(n, group=[None if groups is None else f"person {i % groups}" for i in range(n)])
    found = compared(np.ones(n, bool), np.zeros(n, bool), rows).to_json()
    assert found["clearly"] is None
    assert said in found["verdict"]


def test_pictures_of_one_person_are_not_independent_proof() -> None:
    a_wrong = np.arange(N) % 15 == 0
    alone = compared(a_wrong, np.zeros(N, bool)).to_json()
    people = compared(a_wrong, np.zeros(N, bool), rows_of(N, group=[f"{i % 15}" for i in range(N)])).to_json()
    assert alone["clearly"] == "better"
    assert people["clearly"] is None
    narrow, wide = (found["accuracy"]["difference"] for found in (alone, people))
    assert wide["low"] <= 0 < narrow["low"]
    assert "whole groups" in people["interval_method"]["test"]


def test_the_class_that_got_worse_is_named_though_all_in_all_nothing_changed() -> None:
    incorrect = np.arange(N) % 3 == 1
    rng = np.random.default_rng(2)
    found = compared(errs(rng, np.where(incorrect, 0.05, 0.3)), errs(rng, np.where(incorrect, 0.45, 0.1))).to_json()
    assert found["clearly"] is None
    claims = {label: figures["clearly"] for label, figures in found["per_class"].items()}
    assert claims == {"masked": "better", "incorrect": "worse", "unmasked": "better"}
    assert any(sentence.startswith("Of 100 incorrect faces B finds ") for sentence in found["summary"])
    per_class = [figures["difference"]["value"] for figures in found["per_class"].values()]
    assert found["balanced_accuracy"]["difference"]["value"] == pytest.approx(np.mean(per_class))


def test_a_planted_slice_is_found_and_corrected_for_all_that_were_looked_at() -> None:
    rng = np.random.default_rng(3)
    facts = pl.DataFrame(
        {
            "face_px": [None] * N, "sharpness": rng.uniform(0.05, 0.8, N), "brightness": rng.uniform(30, 200, N),
            "yaw_deg": rng.normal(0, 30, N), "mask_colour": rng.choice(["dark", "white", "other"], N),
        }, schema=FACTS,
    )  # fmt: skip
    dark = facts["brightness"].to_numpy() < 60
    found = compared(errs(rng, 0.05), errs(rng, np.where(dark, 0.5, 0.05)), facts=facts).to_json()
    slices = found["slices"]
    worse = [(s["fact"], s["name"]) for s in slices["shown"] if s["clearly"] == "worse"]
    assert ("brightness", "under 60") in worse
    planted = next(s for s in slices["shown"] if (s["fact"], s["name"]) == ("brightness", "under 60"))
    assert planted["n"] == dark.sum()
    assert planted["p"] < planted["p_adjusted"] < 0.05
    assert slices["tested"] == sum(s["n"] >= 30 for s in slices["shown"])
    assert all(s["p"] is None and s["clearly"] is None for s in slices["shown"] if s["n"] < 30)
    assert any(
        sentence.startswith(f"B is worse in {len(worse)} of {slices['tested']} slices, most in")
        for sentence in found["summary"]
    )


def test_disagreements_are_listed_with_both_answers_the_surest_mistake_first() -> None:
    a_wrong, b_wrong = np.zeros(N, bool), np.zeros(N, bool)
    a_wrong[[4, 9]], b_wrong[[7, 9]] = True, True
    found = compared(a_wrong, b_wrong).to_json()["disagreements"]
    assert found["n"] == 2  # both are wrong in the same way about face 9
    first, second = found["listed"]
    assert (first["row"], first["path"], first["label"]) == (4, "00004.png", "incorrect")
    assert first["a"] == {"predicted": "unmasked", "confidence": 0.9}
    assert first["b"] == {"predicted": "incorrect", "confidence": 0.8}
    assert (second["row"], second["a"]["predicted"], second["b"]["predicted"]) == (7, "incorrect", "unmasked")


@pytest.mark.parametrize(
    ("told", "data", "expected"),
    [
        ({"a": {"trained_on": "f"}}, {"fingerprint": "f"}, ["A: The model was trained on some or all"]),
        ({"a": {"trained_on": "f"}, "b": {"trained_on": "f"}}, {"fingerprint": "f"}, ["A: The model", "B: The model"]),
        ({"a": {"trained_on": "g"}}, {"fingerprint": "f"}, []),
        (
            {"b": {"trained_on": "f", "split_check": {"by": "random", "groups": 3, "duplicates": 0}}},
            {"fingerprint": "p", "split": "validation"},
            [
                "B: The same people or scenes are on both sides of the split (3 of them)",
                "B was tuned on these same faces",
            ],
        ),
    ],
)
def test_a_model_that_has_seen_the_faces_is_told_of(
    told: dict[str, Any], data: dict[str, Any], expected: list[str]
) -> None:
    wrong = np.arange(N) % 10 == 0
    models = {name: model(**told.get(name, {})) for name in "ab"}
    warnings = compared(wrong, np.roll(wrong, 1), models=models, data=data).to_json()["warnings"]
    assert [w[: len(e)] for w, e in zip(warnings, expected, strict=True)] == expected


def test_a_split_that_one_model_never_saw_is_no_reason_to_warn_of_it() -> None:
    wrong = np.arange(N) % 10 == 0
    rows = rows_of(N, split=["train" if i % 2 else "test" for i in range(N)])
    models = {"a": model(trained_on="f"), "b": model(trained_on="another")}
    warnings = compared(wrong, wrong, rows, models=models, data={"fingerprint": "f"}).to_json()["warnings"]
    assert [w[:2] for w in warnings] == ["A:"]


def test_what_was_left_out_is_told() -> None:
    wrong = np.arange(N) % 10 == 0
    rows = rows_of(N)
    three = np.full((N, 3), 1 / 3, np.float32)
    sides = pair(Predictions(rows, CLASSES, three), Predictions(rows, ("masked", "unmasked"), three[:, :2] * 1.5))
    models = {"a": model(), "b": model(labels=["masked", "unmasked"])}
    left_out = {"only_a": 0, "only_b": 4, "answered_otherwise_a": 17, "answered_otherwise_b": 0}
    found = compare(sides, models, left_out=left_out).to_json()
    assert (found["n"], found["labels"]) == (200, ["masked", "unmasked"])
    assert found["left_out"]["labels"] == {"incorrect": 100}
    assert "A also knows incorrect: its answers are taken among masked and unmasked only" in found["notes"][0]
    assert "called 17 faces incorrect" in found["notes"][0]
    assert "Left out: 100 labelled incorrect, which is not a class of both models." in found["notes"]
    assert found["warnings"][0].startswith("A finds no face in 4 rows that B can judge")
    assert not compared(wrong, wrong).to_json()["left_out"]["labels"]


def test_without_a_face_that_both_can_judge_there_is_no_comparison() -> None:
    rows = rows_of(3, error=["/data/00000.png: gone"] * 3)
    with pytest.raises(DataError, match=r"no face that both models can judge, of 3 rows: /data/00000\.png: gone"):
        compared(np.zeros(3, bool), np.ones(3, bool), rows)


def test_the_page_shows_the_figures_runs_nothing_and_escapes_names() -> None:
    rng = np.random.default_rng(4)
    rows = rows_of(N, path=[f"/data/<b>{i}.png" for i in range(N)])
    models = {"a": model(name="<script>old"), "b": model(name="new")}
    comparison = compared(errs(rng, 0.2), errs(rng, 0.05), rows, models=models)
    page, found = render(comparison, pictures=False), comparison.to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "&lt;script&gt;old (A) and new (B) on 300 faces" in page
    assert found["verdict"] in page
    for said, n in (("only B is right", found["outcomes"]["only_b"]), ("only A is right", found["outcomes"]["only_a"])):
        assert f"<h3>{n}: {said}" in page
    assert page.count("picture left out") == min(found["outcomes"]["only_b"], 24) + min(found["outcomes"]["only_a"], 24)
    assert "<img" not in page


def test_every_key_of_compare_json_is_described() -> None:
    page = Path(__file__).parents[3] / "docs/reference/compare.md"
    described = {
        key
        for row in re.findall(r"^\| ([^|]+) \|", page.read_text(), re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    }
    assert described == compared(np.zeros(9, bool), np.ones(9, bool)).to_json().keys()
