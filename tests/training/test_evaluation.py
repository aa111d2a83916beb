from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, roc_auc_score

from maskwise.data.manifest import SCHEMA, Manifest
from maskwise.errors import DataError, ShapeError
from maskwise.model.artifact import ModelCard
from maskwise.model.crops import CropSpec, crop_face, crop_whole
from maskwise.model.images import read_image
from maskwise.model.preprocess import Preprocess
from maskwise.model.verdict import Thresholds
from maskwise.statistics.intervals import compact
from maskwise.statistics.metrics import wilson
from maskwise.training.curves import POINTS, curves
from maskwise.training.evaluation import Evaluation, evaluate
from maskwise.training.judged import groups_of
from maskwise.training.predictions import NO_LABEL, Predictions, predict, short_paths
from maskwise.training.remarks import said_of_class, said_of_no_faces

TWO, THREE = ("masked", "unmasked"), ("masked", "incorrect", "unmasked")


def card(labels: tuple[str, ...] = TWO, **changes: Any) -> ModelCard:
    return ModelCard(labels, "sequential", CropSpec(16), Preprocess(), **changes)


def rows_of(truth: list[str], **columns: Any) -> pl.DataFrame:
    """A manifest's rows; every face alone unless columns say otherwise."""
    n = len(truth)
    given: dict[str, Any] = {
        "path": [f"/data/set/{i:05d}.png" for i in range(n)],
        "label": truth,
        "source": ["set"] * n,
        "width": [100] * n,
        "height": [100] * n,
        "sha256": [f"{i:064x}" for i in range(n)],
        "split": ["test"] * n,
    }
    return pl.DataFrame({name: (given | columns).get(name, [None] * n) for name in SCHEMA}, schema=SCHEMA)


def said(labels: tuple[str, ...], answers: list[str], confidence: float = 0.9) -> NDArray[np.float32]:
    """Probabilities that make these answers."""
    rest = (1 - confidence) / (len(labels) - 1)
    return np.array([[confidence if a == label else rest for label in labels] for a in answers], np.float32)


def measured(truth: list[str], answers: list[str], labels: tuple[str, ...] = TWO, **columns: Any) -> dict[str, Any]:
    return evaluate(Predictions(rows_of(truth, **columns), labels, said(labels, answers)), card(labels)).to_json()


def random_evaluation(n: int = 300, labels: tuple[str, ...] = THREE, **columns: Any) -> Evaluation:
    rng = np.random.default_rng(5)
    target = rng.integers(0, len(labels), n)
    weights = rng.dirichlet(np.ones(len(labels)), n) + np.eye(len(labels))[target] * 0.8
    probabilities = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    rows = rows_of([labels[i] for i in target], **columns)
    return evaluate(Predictions(rows, labels, probabilities), card(labels))


def test_the_figures_are_scikit_learns() -> None:
    evaluation = random_evaluation()
    content, table = evaluation.to_json(), evaluation.predictions.table()
    truth, answers, labels = table["label"].to_list(), table["predicted"].to_list(), list(THREE)
    assert content["confusion"] == confusion_matrix(truth, answers, labels=labels).tolist()
    assert content["macro_f1"]["value"] == pytest.approx(f1_score(truth, answers, average="macro"))
    for i, label in enumerate(labels):
        positive = [t == label for t in truth]
        scores = evaluation.predictions.probabilities[:, i]
        figures = content["per_class"][label]
        assert figures["roc_auc"]["value"] == pytest.approx(roc_auc_score(positive, scores))
        assert figures["average_precision"]["value"] == pytest.approx(average_precision_score(positive, scores))


def test_every_figure_lies_in_its_interval() -> None:
    def figures(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, dict) and node.keys() == {"value", "low", "high", "n"}:
            return [node]
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return [figure for child in children for figure in figures(child)]

    found = figures(random_evaluation(source=[f"s{i % 2}" for i in range(300)]).to_json())
    assert len(found) > 25
    for figure in found:
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1, figure
        assert figure["low"] < figure["high"], figure


def test_the_csv_recounts_to_the_report(tmp_path: Path) -> None:
    truth = ["masked"] * 7 + ["unmasked"] * 5 + ["incorrect"] * 2 + ["masked"]
    answers = ["masked"] * 6 + ["unmasked"] * 5 + ["masked"] * 3 + ["masked"]
    errors = [None] * 14 + ["/data/set/00014.png: damaged"]
    probabilities = said(TWO, answers)
    probabilities[14] = np.nan
    evaluation = evaluate(Predictions(rows_of(truth, error=errors), TWO, probabilities), card())
    evaluation.predictions.write_csv(tmp_path / "predictions.csv")
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    counted = [[sum(r["label"] == t and r["predicted"] == p for r in rows) for p in TWO] for t in TWO]
    content = evaluation.to_json()
    assert content["confusion"] == counted == [[6, 1], [1, 4]]
    assert content["n"] == 12
    assert content["unusable"] == [{"path": "00014.png", "reason": "damaged"}]
    assert content["not_in_model"] == {"incorrect": {"n": 2, "predicted": {"masked": 2, "unmasked": 0}}}
    assert len(rows) == content["data"]["rows"] == 15
    assert (rows[14]["predicted"], rows[14]["confidence"], rows[14]["error"]) == ("", "", "damaged")
    assert float(rows[0]["p_masked"]) == pytest.approx(0.9)


def test_a_class_the_model_does_not_know_is_said_loudly() -> None:
    content = measured(["masked", "incorrect"], ["masked", "masked"])
    assert any("1 face labelled incorrect" in w and "cannot be right" in w for w in content["warnings"])


def no_faces(answers: list[str], confidences: list[float], thresholds: Thresholds, **columns: Any) -> dict[str, Any]:
    """Two faces, rightly answered, then what is not a face."""
    rows = rows_of(["masked", "unmasked"] + ["not_a_face"] * len(answers), **columns)
    given = [said(THREE, [a], c) for a, c in zip(answers, confidences, strict=True)]
    probabilities = np.concatenate([said(THREE, ["masked", "unmasked"]), *given])
    return evaluate(Predictions(rows, THREE, probabilities), card(THREE, thresholds=thresholds)).to_json()


def test_what_is_not_a_face_is_counted_apart_by_confidence_alone() -> None:
    """Nine sure answers, of which three are unmasked, and eleven unsure ones; all far too small for a face."""
    answers = ["masked"] * 6 + ["unmasked"] * 3 + ["incorrect"] * 11
    thresholds = Thresholds(confidence=0.6, min_face_px=90)
    content = no_faces(
        answers, [0.9] * 9 + [0.5] * 11, thresholds, width=[100, 100] + [9] * 20, source=["faces"] * 2 + ["web"] * 20
    )
    counts = {"masked": 6, "incorrect": 0, "unmasked": 3, "uncertain": 11}
    found = content["not_a_face"]
    assert found.keys() == {"n", "sentence", *counts}
    assert found["n"] == 20
    for answer, count in counts.items():
        low, high = wilson(count, 20)
        assert found[answer] == {"value": count / 20, "low": pytest.approx(low), "high": pytest.approx(high), "n": 20}
    assert found["sentence"] == (
        "Of 20 pictures without a face 6 (30.0 %, 14.5 to 51.9) are called masked, 0 (0.0 %, 0.0 to 16.2) are called "
        "incorrect, 3 (15.0 %, 5.2 to 36.1) are called unmasked; the others are uncertain."
    )
    assert content["summary"][-1] == found["sentence"]


def test_what_is_not_a_face_is_in_no_other_figure() -> None:
    alone = measured(["masked", "unmasked"], ["masked", "unmasked"], THREE)
    beside = no_faces(
        ["masked"] * 3, [0.9] * 3, Thresholds(), source=["set"] * 2 + ["web"] * 3, group=[None] * 4 + ["a"]
    )
    assert alone.pop("not_a_face") is None
    assert beside.pop("not_a_face")["n"] == 3
    for content in (alone, beside):
        content["summary"] = content["summary"][:3]
        del content["data"]["rows"], content["data"]["fingerprint"]
    assert beside == alone


def test_pictures_without_a_face_know_their_groups_and_masked_from() -> None:
    alone = no_faces(["masked"] * 10 + ["unmasked"] * 10, [0.7] * 20, Thresholds(masked_from=0.8))["not_a_face"]
    assert (alone["masked"]["value"], alone["unmasked"]["value"], alone["uncertain"]["value"]) == (0, 0.5, 0.5)
    groups = [None, None] + ["a"] * 10 + ["b"] * 10
    wide = no_faces(["masked"] * 10 + ["unmasked"] * 10, [0.7] * 20, Thresholds(masked_from=0.8), group=groups)
    figure = wide["not_a_face"]["unmasked"]
    assert figure["high"] - figure["low"] > 1.5 * (alone["unmasked"]["high"] - alone["unmasked"]["low"])


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ((1, 0), "Of 1 picture without a face 1 (100.0 %, 10.0 to 90.0) is called masked; none is uncertain."),
        ((0.012, 0.988), "Of 1,000 pictures without a face 12 (1.2 %, 10.0 to 90.0) are called masked; the others are "
         "uncertain."),
    ],
)  # fmt: skip
def test_pictures_without_a_face_in_words(shares: tuple[float, float], sentence: str) -> None:
    n = 1 if shares[0] == 1 else 1000
    figures = {
        name: {"value": v, "low": 0.1, "high": 0.9, "n": n}
        for name, v in zip(("masked", "uncertain"), shares, strict=True)
    }
    assert said_of_no_faces({"n": n, **figures}) == sentence


def test_a_class_that_does_not_occur_has_no_figures_and_stays_out_of_the_means() -> None:
    content = measured(["masked"] * 9 + ["unmasked"], ["masked"] * 8 + ["incorrect", "unmasked"], THREE)
    missing = content["per_class"]["incorrect"]
    for key in ("precision", "recall", "f1", "roc_auc", "average_precision"):
        assert missing[key] == {"value": None, "low": None, "high": None, "n": 0}
    assert content["confusion_rates"][1] == [None, None, None]
    assert content["averaged_over"] == ["masked", "unmasked"]
    assert content["balanced_accuracy"]["value"] == pytest.approx((8 / 9 + 1) / 2)
    assert any("No incorrect face was tested" in w for w in content["warnings"])
    json.dumps(content, allow_nan=False)


def test_one_class_alone_can_be_measured() -> None:
    content = measured(["masked"] * 4, ["masked"] * 3 + ["unmasked"])
    assert content["accuracy"]["value"] == 0.75
    assert content["per_class"]["masked"]["roc_auc"]["value"] is None
    json.dumps(content, allow_nan=False)


def test_independent_faces_get_wilson() -> None:
    content = measured(["masked"] * 40 + ["unmasked"] * 60, ["masked"] * 39 + ["unmasked"] * 61)
    recall = content["per_class"]["masked"]["recall"]
    assert (recall["low"], recall["high"]) == pytest.approx(wilson(39, 40))
    assert content["interval_method"]["proportions"] == "wilson"
    assert content["groups"] == 100


@pytest.mark.parametrize("column", ["group", "sha256"])
def test_faces_that_belong_together_widen_the_interval(column: str) -> None:
    """Ten people, one of whom the model always gets wrong; or ten pictures, each in the data ten times."""
    truth = ["masked"] * 50 + ["unmasked"] * 50
    answers = ["unmasked"] * 10 + ["masked"] * 40 + ["unmasked"] * 50
    alone = measured(truth, answers)["accuracy"]
    columns: dict[str, Any] = {column: [f"{i // 10}" for i in range(100)]}
    content = measured(truth, answers, **columns)
    assert content["groups"] == 10
    assert content["interval_method"]["proportions"].startswith("bootstrap by group, 2000 resamples, seed 0")
    assert content["accuracy"]["value"] == alone["value"]
    assert content["accuracy"]["high"] - content["accuracy"]["low"] > 2 * (alone["high"] - alone["low"])
    assert any("only 5 independent groups" in w for w in content["warnings"])


def test_groups_are_of_their_source_and_duplicates_join_them() -> None:
    rows = rows_of(
        ["masked"] * 7,
        group=["ann", "ann", "ann", "bob", None, None, None],
        source=["a", "a", "b", "b", "a", "a", "a"],
        sha256=["1", "2", "3", "4", "4", "5", "5"],
    )
    # a/ann | b/ann is another person | b/bob and the lone row share picture 4 | the last two are the same picture
    assert compact(groups_of(rows)).tolist() in ([0, 0, 1, 2, 2, 3, 3],)
    assert len(groups_of(rows.clear())) == 0


def test_links_chain() -> None:
    rows = rows_of(["masked"] * 4, group=["a", "a", "b", "b"], sha256=["1", "2", "2", "3"])
    assert len(set(groups_of(rows))) == 1


def test_sources_are_measured_apart() -> None:
    truth = ["masked"] * 6 + ["unmasked"] * 6
    answers = ["masked"] * 5 + ["unmasked"] * 7
    content = measured(truth, answers, source=["home"] * 5 + ["away"] * 7)
    assert list(content["sources"]) == ["away", "home"]
    assert content["sources"]["home"]["accuracy"]["value"] == 1
    assert content["sources"]["away"]["accuracy"]["value"] == pytest.approx(6 / 7)
    assert content["sources"]["home"]["recall"]["unmasked"]["value"] is None
    assert measured(truth, answers)["sources"] == {}


def test_uncertain_answers_are_counted_apart() -> None:
    probabilities = np.concatenate([said(TWO, ["masked"] * 8), said(TWO, ["unmasked"] * 2, confidence=0.55)])
    content = evaluate(Predictions(rows_of(["masked"] * 10), TWO, probabilities), card()).to_json()
    assert content["uncertain"]["threshold"] == 0.6
    assert content["uncertain"]["share"]["value"] == 0.2
    assert content["uncertain"]["accuracy_of_the_rest"] == {
        "value": 1.0, "low": pytest.approx(wilson(8, 8)[0]), "high": 1.0, "n": 8,
    }  # fmt: skip


def test_the_most_confident_mistakes_come_first() -> None:
    confidences = [0.6, 0.95, 0.7, 0.8]
    probabilities = np.concatenate([said(TWO, ["masked"], c) for c in confidences])
    boxes = {"x_min": [1.0, 2.0, None, 4.0], "y_min": [1.0] * 4, "x_max": [9.0] * 4, "y_max": [9.0] * 4}
    rows = rows_of(["unmasked", "unmasked", "masked", "unmasked"], **boxes)
    mistakes = evaluate(Predictions(rows, TWO, probabilities), card()).to_json()["mistakes"]
    assert mistakes["n"] == 3
    assert [m["row"] for m in mistakes["shown"]] == [1, 3, 0]
    assert mistakes["shown"][0] == {
        "row": 1, "path": "00001.png", "box_xyxy": [2.0, 1.0, 9.0, 9.0], "label": "unmasked", "predicted": "masked",
        "confidence": 0.95,
    }  # fmt: skip


def test_right_answers_shown_are_drawn_from_every_class_and_repeat() -> None:
    first, second = (measured(["masked"] * 90 + ["unmasked"] * 10, ["masked"] * 90 + ["unmasked"] * 10) for _ in "12")
    labels = [shown["label"] for shown in first["correct"]["shown"]]
    assert labels.count("masked") == labels.count("unmasked") == 6
    assert first == second


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split_check": {"by": "random", "groups": 3, "duplicates": 0}}, "same people or scenes are on both sides"),
        ({"split_check": {"by": "random", "groups": 0, "duplicates": 5}}, "5 identical pictures"),
        ({"split_check": {"by": "group", "groups": 0, "duplicates": 0}}, None),
        ({}, None),
    ],
)
def test_a_leaking_split_is_a_warning(changes: dict[str, Any], words: str | None) -> None:
    truth = ["masked"] * 30 + ["unmasked"] * 30
    content = evaluate(Predictions(rows_of(truth), TWO, said(TWO, truth)), card(), **changes).to_json()
    assert content["split_check"] == changes.get("split_check")
    assert [w for w in content["warnings"] if "side" in w] == [w for w in content["warnings"] if words and words in w]
    assert bool(content["warnings"]) == bool(words)


def test_testing_on_the_training_data_is_a_warning() -> None:
    rows = rows_of(["masked"] * 30 + ["unmasked"] * 30, split=[None] * 60)
    predictions = Predictions(rows, TWO, said(TWO, rows["label"].to_list()))
    seen = card(data={"fingerprint": Manifest(rows).fingerprint()})
    assert any("trained on some or all" in w for w in evaluate(predictions, seen).to_json()["warnings"])
    other = card(data={"fingerprint": "other"})
    assert evaluate(predictions, other).to_json()["warnings"] == []


def test_few_faces_and_one_dominant_person_are_warnings() -> None:
    truth = ["masked"] * 60 + ["unmasked"] * 5
    content = measured(truth, truth, group=["ann"] * 40 + [f"p{i}" for i in range(25)])
    assert any("Only 5 faces labelled unmasked" in w for w in content["warnings"])
    assert any("One person or scene makes up 67% of the masked faces" in w for w in content["warnings"])


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        ((0.97, 0.941, 0.986, 383), "Out of 100 masked faces, 97 (94 to 99) are called masked; counted on 383 faces."),
        ((0.998, 0.99, 1.0, 500), "Out of 100 masked faces, 99 (99 to 100) are called masked; counted on 500 faces."),
        ((1.0, 0.2, 1.0, 1), "Out of 100 masked faces, 100 (20 to 100) are called masked; counted on 1 face."),
        (
            (0.9974, 0.99, 0.999, 2000),
            "Out of 1,000 masked faces, 997 (990 to 999) are called masked; counted on 2,000 faces.",
        ),
        ((0.001, 0.0, 0.01, 900), "Out of 100 masked faces, 1 (0 to 1) are called masked; counted on 900 faces."),
    ],
)  # fmt: skip
def test_a_recall_in_words_is_never_rounded_to_all_or_none(
    figure: tuple[float, float, float, int], sentence: str
) -> None:
    assert said_of_class("masked", dict(zip(("value", "low", "high", "n"), figure, strict=True))) == sentence


def test_labels_of_another_model_are_refused() -> None:
    with pytest.raises(DataError, match="the model's are"):
        evaluate(Predictions(rows_of(["masked"]), TWO, said(TWO, ["masked"])), card(THREE))


def test_nothing_to_measure_says_so() -> None:
    empty = Predictions(rows_of(["incorrect", "not_a_face"]), TWO, said(TWO, ["masked"] * 2))
    with pytest.raises(DataError, match=r"no face to evaluate on: 2 rows.*masked, unmasked.*audit"):
        evaluate(empty, card())


def test_predictions_of_another_length_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected \(2, 2\), got \(1, 2\)"):
        Predictions(rows_of(["masked"] * 2), TWO, said(TWO, ["masked"]))


def test_an_answer_that_is_no_number_is_refused() -> None:
    with pytest.raises(DataError, match="nan for a face that has no error"):
        Predictions(rows_of(["masked"]), TWO, np.full((1, 2), np.nan, np.float32))


def test_curves_are_thin_monotone_and_keep_their_ends() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(5000) < 0.4
    found = curves((rng.normal(size=5000) + positive).astype(np.float32), positive)
    false, true = found["roc"]["false_positive_rate"], found["roc"]["true_positive_rate"]
    assert len(false) == len(true) <= POINTS
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert false == sorted(false)
    assert true == sorted(true)
    assert found["precision_recall"]["recall"][-1] == 1
    assert len(found["precision_recall"]["recall"]) <= POINTS


def test_reports_name_no_folder_of_their_maker() -> None:
    assert short_paths(["/home/ann/set/a/1.png", "/home/ann/set/b/2.png"]) == ["a/1.png", "b/2.png"]
    assert short_paths(["/home/ann/set/1.png"]) == ["1.png"]
    assert short_paths(["x/1.png", "/y/2.png"]) == ["x/1.png", "/y/2.png"]
    assert short_paths([]) == []


class Brightness:
    """A model that calls bright faces masked."""

    card = replace(card(), crop=CropSpec(16, 0.0))
    labels = TWO

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert crops.shape[1:] == (16, 16, 3)
        self.batches.append(len(crops))
        bright = crops.reshape(len(crops), -1).mean(axis=1) / 255
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


def test_predict_looks_at_every_face_and_reports_what_it_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskwise.training.cutting.PICTURES_AT_ONCE", 3)
    rng = np.random.default_rng(0)
    for i in range(8):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rng.integers(0, 256, (40, 30, 3), np.uint8))
    (tmp_path / "2.png").write_bytes(b"not a picture")
    which = [0, 0, 1, 2, 3, 4, 5, 6, 7, 6]
    box = [None if i % 2 else 4.0 for i in range(10)]
    rows = rows_of(
        ["masked"] * 10,
        path=[str(tmp_path / f"{i}.png") for i in which],
        x_min=box, y_min=box, x_max=[v and v + 12 for v in box], y_max=[v and v + 12 for v in box],
        error=[None] * 8 + ["too dark", None],
    )  # fmt: skip
    rows = rows.with_columns(label=pl.when(pl.int_range(10) == 9).then(None).otherwise(pl.col("label")))
    model, heard = Brightness(), list[tuple[int, int]]()
    found = predict(model, Manifest(rows), lambda done, total: heard.append((done, total)))  # type: ignore[arg-type]
    errors = found.rows["error"].to_list()
    assert [i for i, e in enumerate(errors) if e] == [3, 8, 9]
    assert "2.png" in errors[3]
    assert errors[8:] == ["too dark", NO_LABEL]
    assert np.isnan(found.probabilities).all(axis=1).tolist() == [bool(e) for e in errors]
    for i, expected in ((0, crop_face), (1, None), (4, crop_face), (7, None)):
        image = read_image(tmp_path / f"{which[i]}.png")
        crop = (
            crop_whole(image, model.card.crop) if expected is None else expected(image, [4, 4, 16, 16], model.card.crop)
        )
        assert found.probabilities[i, 0] == pytest.approx(crop.mean() / 255, abs=1e-5)
    assert heard[-1] == (8, 8)
    assert heard == sorted(heard)
    assert sum(model.batches) == 7
    assert len(model.batches) > 1


def test_predict_of_nothing_is_nothing() -> None:
    found = predict(Brightness(), Manifest(rows_of([])))  # type: ignore[arg-type]
    assert found.probabilities.shape == (0, 2)
