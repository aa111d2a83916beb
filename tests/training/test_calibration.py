from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from maskwise.errors import DataError
from maskwise.model.classifier import softmax
from maskwise.statistics.intervals import proportion
from maskwise.training.calibration import (
    FEWEST,
    Temperature,
    at_temperature_one,
    calibration,
    coverage_risk,
    fit_temperature,
    negative_log_likelihood,
)
from maskwise.training.judged import Judged

LABELS = ("masked", "incorrect", "unmasked")


def overconfident(n: int, temperature: float, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits that are `temperature` times those which the classes were drawn from."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, (n, 3)).astype(np.float32)
    target = np.array([rng.choice(3, p=p / p.sum()) for p in softmax(honest).astype(np.float64)])
    return honest * np.float32(temperature), target


def judged(probabilities: NDArray[np.float32], target: NDArray[np.int64]) -> Judged:
    n = len(target)
    return Judged(
        LABELS, np.arange(n), target, probabilities.argmax(axis=1), probabilities, np.arange(n),
        np.array(["set"] * n, object),
    )  # fmt: skip


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(truth: float) -> None:
    found = fit_temperature(*overconfident(20_000, truth))
    assert found.because is None
    assert found.value == pytest.approx(truth, rel=0.05)


def test_no_other_temperature_is_likelier_by_scikit_learns_measure() -> None:
    logits, target = overconfident(400, 1.8)

    def loss(temperature: float) -> float:
        p = softmax(logits, temperature).astype(np.float64)
        return float(log_loss(target, p / p.sum(axis=1, keepdims=True), labels=[0, 1, 2]))

    best = fit_temperature(logits, target).value
    assert negative_log_likelihood(logits, target, best) == pytest.approx(loss(best), abs=1e-5)
    assert loss(best) < min(loss(best * 1.05), loss(best / 1.05), loss(1.0))


def test_it_stays_one_where_nothing_can_be_fitted() -> None:
    logits, target = overconfident(FEWEST, 2)
    assert fit_temperature(logits, target).value != 1
    few = fit_temperature(logits[:-1], target[:-1])
    assert few == Temperature(1.0, "temperature stays 1: 99 held-out faces, at least 100 are needed to fit it")
    perfect = fit_temperature(logits, logits.argmax(axis=1))
    assert perfect.value == 1
    assert "all 100 held-out faces are judged right" in str(perfect.because)
    assert fit_temperature(logits[:0], target[:0]).value == 1


def test_probabilities_tell_what_the_network_said_before_its_temperature() -> None:
    logits, _ = overconfident(50, 1.5)
    np.testing.assert_allclose(at_temperature_one(softmax(logits, 2.5), 2.5), softmax(logits), atol=1e-5)
    sure = at_temperature_one(np.array([[1, 0, 0]], np.float32), 2.0)
    assert sure.tolist() == [[1, 0, 0]]
    with pytest.raises(DataError, match="above 0"):
        at_temperature_one(softmax(logits), 0)


def test_the_fitted_temperature_mends_the_calibration_of_other_faces() -> None:
    temperature = fit_temperature(*overconfident(2000, 2.5)).value
    logits, target = overconfident(2000, 2.5, seed=1)
    content = calibration(judged(softmax(logits, temperature), target), temperature)
    assert (content["temperature"], content["n"], content["bins"]) == (temperature, 2000, 15)
    before, after = content["ece_before"], content["ece_after"]
    never_fitted = calibration(judged(softmax(logits), target), 1)["ece_after"]
    assert before["value"] == pytest.approx(never_fitted["value"], abs=1e-4)
    assert after["high"] < before["low"]
    assert after["low"] == 0  # what is left is what calibrated answers would show by chance
    assert len(content["reliability_before"]) == len(content["reliability_after"]) == 15
    assert sum(b["right"]["n"] for b in content["reliability_after"]) == 2000


def test_coverage_and_risk_with_their_intervals() -> None:
    confidence = np.linspace(0.5, 0.99, 100)
    said = np.stack([confidence, 1 - confidence, 0 * confidence], axis=1).astype(np.float32)
    target = np.zeros(100, np.int64)
    target[:4] = target[50:52] = 1  # wrong: the four least sure, and two others
    content = coverage_risk(judged(said, target))
    wrong = target == 1
    assert content["risk_at_full"] == proportion(wrong, np.arange(100)).to_json()
    assert content["risk_at_95"] == proportion(wrong[5:], np.arange(95)).to_json()
    assert content["coverage"][-1] == 1
    assert content["risk"][-1] == 0.06
    assert len(content["confidence"]) == len(content["coverage"]) == len(content["risk"]) == 100
