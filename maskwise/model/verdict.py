"""From probabilities to verdicts: one rule for every operating point, the same for pictures, streams and reports.

The answer is `masked` where p(masked) reaches `masked_from`, otherwise the likeliest of the other classes; without
`masked_from` it is the likeliest class. It becomes `uncertain` where its probability, or what can be seen of the face,
is under a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.model.quality import FaceQuality
from maskwise.values import MASKED, UNCERTAIN, Verdict

MAX_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Which answer is given, and when none is; saved in model.json.

    confidence: below this probability of the answer the verdict is `uncertain`, in [0, 1].
    masked_from: lowest p(masked) at which the answer is `masked`, in [0, 1]; None: where it is the likeliest class.
    min_face_px: below this shorter side of the face box, in pixels, the verdict is `uncertain`.
    min_sharpness: likewise for `maskwise.model.quality.sharpness`; 0 asks for none.
    min_inside: likewise for the share of the five landmarks that lie in the picture, in [0, 1]. With 0.8 one of them
        may lie outside.
    """

    confidence: float = 0.6
    masked_from: float | None = None
    min_face_px: float = 20.0
    min_sharpness: float = 0.0
    min_inside: float = 0.8

    def __post_init__(self) -> None:
        for name in ("confidence", "masked_from", "min_inside"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"thresholds.{name}: {value} is not between 0 and 1")
        for name in ("min_face_px", "min_sharpness"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"thresholds.{name}: {value} is below 0")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Thresholds that were chosen for a purpose, and what they gave where they were chosen; saved in model.json.

    figures: `decided`, `error`, `passed`, `alarmed`, `called_masked`, each {"value", "low", "high", "n"}; see
        `maskwise.training.operating_points.figures_at`.
    """

    thresholds: Thresholds
    figures: dict[str, Any] = field(default_factory=dict)


def answers(
    probabilities: NDArray[np.float32], labels: Sequence[str], masked_from: float | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What would be said of each face if something had to be.

    Args:
        probabilities: (n, classes), rows sum to 1; n may be 0.
        labels: the classes, in the order of the columns.
        masked_from: see `Thresholds`.

    Returns:
        Positions in the labels, (n,), and their probabilities, (n,) float64.
    """
    p = probabilities.astype(np.float64)  # float32 would round the threshold that it is compared with
    answer = p.argmax(axis=1)
    if masked_from is not None and MASKED in labels:
        masked = labels.index(MASKED)
        others = p.copy()
        others[:, masked] = -1
        answer = np.where(p[:, masked] >= masked_from, masked, others.argmax(axis=1))
    return answer.astype(np.int64), p[np.arange(len(p)), answer]


def decided(confidence: NDArray[np.float64], quality: FaceQuality, thresholds: Thresholds) -> NDArray[np.bool_]:
    """Which answers are given: (n,) bool; the others are `uncertain`. A quality that is not known hides no answer."""
    under = [values < limit for values, limit, _ in _limits(confidence, quality, thresholds)]
    return np.asarray(~np.logical_or.reduce(under), bool)


def decide(
    probabilities: NDArray[np.float32], quality: FaceQuality, labels: Sequence[str], thresholds: Thresholds
) -> tuple[Verdict, ...]:
    """One verdict for each face, with the probability of its class; of the likeliest class where it is `uncertain`.

    Args:
        probabilities: (n, classes), rows sum to 1; n may be 0.
        quality: what can be seen of the n faces.
        labels: the classes, in the order of the columns.
        thresholds: which answer to give, and when none.
    """
    answer, confidence = answers(probabilities, labels, thresholds.masked_from)
    given = decided(confidence, quality, thresholds)
    return tuple(
        Verdict(labels[answer[i]], float(confidence[i]))
        if given[i]
        else Verdict(UNCERTAIN, float(row.max()), _because(i, row, confidence, quality, labels, thresholds))
        for i, row in enumerate(probabilities)
    )


Limit = tuple[NDArray[np.float64], float, str]


def _limits(confidence: NDArray[np.float64], quality: FaceQuality, thresholds: Thresholds) -> tuple[Limit, ...]:
    """What is measured, what it must reach, and how to say that it does not; what can be seen comes first."""
    return (
        (quality.side_px, thresholds.min_face_px, "face of {} px is under {} px"),
        (quality.sharpness, thresholds.min_sharpness, "face is blurred: sharpness {} is under {}"),
        (quality.inside, thresholds.min_inside, "face is cut off: share in the picture {} is under {}"),
        (confidence, thresholds.confidence, "confidence {} is under {}"),
    )


def _because(
    i: int,
    row: NDArray[np.float32],
    confidence: NDArray[np.float64],
    quality: FaceQuality,
    labels: Sequence[str],
    thresholds: Thresholds,
) -> str:
    """The first limit that is not reached, in words."""
    *seen, sure = _limits(confidence, quality, thresholds)
    for values, limit, text in seen:
        if values[i] < limit:
            return _said(text, float(values[i]), limit, decimals=0 if values is quality.side_px else 2)
    best = int(row.argmax())
    if thresholds.masked_from is not None and labels[best] == MASKED and row[best] < thresholds.masked_from:
        return _said("p(masked) {} is under {}", float(row[best]), thresholds.masked_from, decimals=3)
    values, limit, text = sure
    return _said(text, float(values[i]), limit)


def _said(text: str, value: float, limit: float, decimals: int = 2) -> str:
    """Both numbers with as many decimals as they need to differ."""
    for places in range(decimals, MAX_DECIMALS + 1):
        shown = f"{value:.{places}f}", f"{limit:.{places}f}"
        if shown[0] != shown[1]:
            break
    return text.format(*shown)
