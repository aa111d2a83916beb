"""Confidences that mean what they say: a temperature fitted on held-out faces, and how calibrated the answers are.

Source: Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks, ICML, arXiv 1706.04599: one
number that divides all logits, fitted by negative log-likelihood. It changes no answer, only how sure each is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from maskwise.errors import DataError
from maskwise.model.classifier import softmax
from maskwise.statistics import confidence as confidences
from maskwise.statistics.intervals import proportion
from maskwise.training.curves import thin
from maskwise.training.judged import Judged

FEWEST = 100
"""Held-out faces below which nothing is fitted: the noise of the fit would be as large as what it mends."""

BOUNDS = (0.05, 20.0)
MOSTLY = 0.95
"""The coverage at which the risk is stated beside that at full coverage."""

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Temperature:
    """A fitted temperature.

    value: divide logits by it; 1 where none could be fitted.
    because: why none could, else None.
    """

    value: float = 1.0
    because: str | None = None


def fit_temperature(logits: NDArray[np.float32], target: NDArray[np.int64]) -> Temperature:
    """Fit the temperature to held-out faces, or say why it stays 1.

    Args:
        logits: (n, classes).
        target: (n,) true classes; n may be 0.
    """
    n, wrong = len(target), int((logits.argmax(axis=1) != target).sum())
    if n < FEWEST:
        return Temperature(because=f"temperature stays 1: {n} held-out faces, at least {FEWEST} are needed to fit it")
    if wrong == 0:  # the likelihood would grow for ever as the temperature falls to 0
        return Temperature(because=f"temperature stays 1: all {n} held-out faces are judged right, so any lower fits")
    found = minimize_scalar(
        lambda log: negative_log_likelihood(logits, target, math.exp(log)),
        bounds=(math.log(BOUNDS[0]), math.log(BOUNDS[1])),
        method="bounded",
    )
    return Temperature(math.exp(float(found.x)))


def negative_log_likelihood(logits: NDArray[np.float32], target: NDArray[np.int64], temperature: float) -> float:
    """Mean over the faces, in nats."""
    logs = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-logs[np.arange(len(target)), target].mean())


def at_temperature_one(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """What the network itself said, before its logits were divided by a temperature.

    Args:
        probabilities: (n, classes), made at that temperature.
        temperature: above 0.

    Raises:
        DataError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise DataError(f"temperature: {temperature} must be above 0")
    # Logarithms of probabilities are the logits but for a constant of each row, which a softmax does not see.
    return softmax(np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) * np.float32(temperature))


def calibration(judged: Judged, temperature: float, seed: int = 0) -> Content:
    """The key `calibration` of report.json: docs/reference/report.md."""
    before = at_temperature_one(judged.probabilities, temperature).max(axis=1, initial=0)
    parts: Content = {}
    for when, confidence in (("before", before), ("after", judged.confidence)):
        arguments = (confidence.astype(np.float64), judged.right, judged.groups)
        parts[f"ece_{when}"] = confidences.expected_calibration_error(*arguments, seed=seed).to_json()
        parts[f"reliability_{when}"] = [
            {"confidence": b.confidence, "right": b.right.to_json()}
            for b in confidences.reliability(*arguments, seed=seed)
        ]
    return {"temperature": temperature, "n": len(judged.index), "bins": confidences.BINS, **parts}


def coverage_risk(judged: Judged, seed: int = 0) -> Content:
    """The key `coverage_risk` of report.json: docs/reference/report.md."""
    curve = confidences.coverage_risk(judged.confidence.astype(np.float64), judged.right)
    mostly = judged.confidence >= curve.confidence[np.argmax(curve.coverage >= MOSTLY)]
    return {
        "risk_at_full": proportion(~judged.right, judged.groups, seed).to_json(),
        "risk_at_95": proportion(~judged.right[mostly], judged.groups[mostly], seed).to_json(),
        "confidence": thin(curve.confidence),
        "coverage": thin(curve.coverage),
        "risk": thin(curve.risk),
    }
