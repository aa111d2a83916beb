"""Operating points: thresholds chosen on held-out faces for a purpose, and what each gives and costs.

balanced     for everyday: half the mistakes, hardly a face without an answer
gate         few faces without a proper mask pass; what is not surely masked is `uncertain`
statistics   every face counts; as many are called masked as are

docs/decisions/0012-operating-points.md says why they are chosen as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maskwise.model.quality import FaceQuality
from maskwise.model.verdict import OperatingPoint, Thresholds, answers, decided
from maskwise.statistics.intervals import Flags, proportion
from maskwise.statistics.metrics import Figure, Figures
from maskwise.training.judged import Judged
from maskwise.values import MASKED

ERROR_KEPT = 0.5
"""`balanced`: the share of the error at full coverage that may remain among the answers given."""

COVERAGE, LARGE_PX = 0.95, 32.0
"""`balanced`: this share of the faces of this size and more gets an answer, in every source, whatever the error."""

PASS = 0.02
"""`gate`: at most this share of faces without a proper mask passes, at the upper end of its interval."""

GATE_CONFIDENCE = 0.5
"""`gate`: above this an answer that is not `masked` is the likeliest one, so what is nearly masked is never alarmed."""

FEWEST = 100
"""Held-out faces below which nothing is chosen."""


def choose(judged: Judged, quality: FaceQuality, base: Thresholds) -> tuple[dict[str, OperatingPoint], list[str]]:
    """Choose every operating point that the held-out faces can support.

    Args:
        judged: n held-out faces and the model's calibrated answers.
        quality: what can be seen of the n faces.
        base: the recipe's thresholds; its limits on quality are kept.

    Returns:
        The operating points by name with their figures, and in words whatever could not be had.
    """
    if len(judged.index) < FEWEST:
        return {}, [f"no operating points: {len(judged.index)} held-out faces, at least {FEWEST} are needed"]
    balanced, said = _balanced(judged, quality, base)
    chosen = {"balanced": balanced}
    if MASKED in judged.labels:
        gate = _gate(judged, quality, balanced)
        if gate is None:
            n = int((judged.target != judged.labels.index(MASKED)).sum())
            said.append(
                f"no operating point gate: {n} held-out faces without a proper mask are too few, in too few groups, or "
                f"too often surely masked to the model, to show that at most {PASS:.0%} of such faces pass"
            )
        else:
            chosen["gate"] = gate
        chosen["statistics"] = _statistics(judged)
    points = {
        name: OperatingPoint(
            thresholds, {key: figure.to_json() for key, figure in figures_at(judged, quality, thresholds).items()}
        )
        for name, thresholds in chosen.items()
    }
    return points, said


def figures_at(judged: Judged, quality: FaceQuality, thresholds: Thresholds, seed: int = 0) -> dict[str, Figure]:
    """What an operating point gives on faces with known classes, each figure with its interval.

    Returns:
        decided: share of the faces that get an answer.
        error: share of those answers that is wrong.
        passed: share of the faces without a proper mask that is called masked.
        alarmed: share of the masked faces that gets another answer; `uncertain` is none.
        called_masked: share of all faces that is called masked.
    """
    answer, confidence = answers(judged.probabilities, judged.labels, thresholds.masked_from)
    given, groups = decided(confidence, quality, thresholds), judged.groups
    called, masked = given & _is(MASKED, answer, judged), _is(MASKED, judged.target, judged)
    return {
        "decided": proportion(given, groups, seed),
        "error": proportion((answer != judged.target)[given], groups[given], seed),
        "passed": proportion(called[~masked], groups[~masked], seed),
        "alarmed": proportion((given & ~called)[masked], groups[masked], seed),
        "called_masked": proportion(called, groups, seed),
    }


def _is(label: str, positions: NDArray[np.int64], judged: Judged) -> Flags:
    return np.array([name == label for name in judged.labels])[positions]


def _balanced(judged: Judged, quality: FaceQuality, base: Thresholds) -> tuple[Thresholds, list[str]]:
    """The lowest confidence that leaves half the error; without a mistake there is nothing to halve, and it stays."""
    answer, confidence = answers(judged.probabilities, judged.labels, base.masked_from)
    seen, right = decided(confidence, quality, replace(base, confidence=0.0)), answer == judged.target
    error = float((~right).mean())
    enough = _lowest_with_error(confidence[seen], right[seen], ERROR_KEPT * error) if error else base.confidence
    large = ~(quality.side_px < LARGE_PX)
    most = min(_highest_with_coverage(confidence, seen, part) for part in _parts(large, judged))
    kept = f"balanced: more than {ERROR_KEPT:.0%} of the error remains, since {COVERAGE:.0%} of the faces of "
    said = [] if enough <= most or not error else [f"{kept}{LARGE_PX:.0f} px and more are to get an answer"]
    return replace(base, confidence=min(enough, most)), said


def _parts(large: Flags, judged: Judged) -> list[Flags]:
    """The large faces of each source that has enough of them, and all of them.

    A model is surest of the sources it was trained on; what holds on average would leave out too many of another.
    """
    sources = [large & (judged.sources == name) for name in np.unique(judged.sources)]
    return [large, *(part for part in sources if part.sum() >= FEWEST)]


def _lowest_with_error(confidence: Figures, right: Flags, error: float) -> float:
    """The lowest confidence from which on at most this share of answers is wrong; above 1 where there is none."""
    order = np.argsort(confidence, kind="stable")
    ordered, wrong = confidence[order], ~right[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > 0)  # equal confidences are answered together
    left = np.arange(len(ordered), 0, -1)
    fits = (np.cumsum(wrong[::-1])[::-1] / left)[first] <= error
    return _just_under(ordered, float(ordered[first[np.argmax(fits)]])) if fits.any() else np.inf


def _highest_with_coverage(confidence: Figures, seen: Flags, large: Flags) -> float:
    """The highest confidence at which enough of the large faces get an answer; 0 where quality alone takes too many."""
    ordered = np.sort(np.where(seen, confidence, -1)[large])[::-1]
    needed = int(np.ceil(COVERAGE * len(ordered)))
    return _just_under(ordered, float(ordered[needed - 1])) if needed else 1.0


def _gate(judged: Judged, quality: FaceQuality, balanced: Thresholds) -> Thresholds | None:
    """The lowest p(masked) that lets few enough faces through; None where the faces cannot show that for any."""
    masked = judged.labels.index(MASKED)
    scores = judged.probabilities[:, masked].astype(np.float64)
    bare = judged.target != masked
    base = replace(balanced, confidence=max(balanced.confidence, GATE_CONFIDENCE))
    steps = np.unique(scores[bare])[::-1]  # the k highest may pass

    def at(k: int) -> Thresholds | None:
        if k == len(steps):
            return replace(base, masked_from=base.confidence)
        edge = _just_above(scores, float(steps[k]))
        return None if edge is None else replace(base, masked_from=max(edge, base.confidence))

    def holds(k: int) -> bool:
        point = at(k)
        return point is not None and figures_at(judged, quality, point)["passed"].high <= PASS

    if not len(steps) or not holds(0):
        return None
    low, high = 0, len(steps) + 1  # holds at low, not known to hold at high: more passing never widens the gate
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return at(low)


def _statistics(judged: Judged) -> Thresholds:
    """p(masked) placed so that as many faces are called masked as are; no face is left out."""
    masked = judged.labels.index(MASKED)
    scores = judged.probabilities[:, masked].astype(np.float64)
    there = int((judged.target == masked).sum())
    values, counts = np.unique(scores, return_counts=True)
    called = np.append(np.cumsum(counts[::-1])[::-1], 0)  # at or above each value, and above all of them
    edges = np.concatenate([[0.0], (values[:-1] + values[1:]) / 2, [(values[-1] + 1) / 2]])
    nearest = float(edges[np.argmin(np.abs(called - there))])
    return Thresholds(confidence=0.0, masked_from=nearest, min_face_px=0.0, min_sharpness=0.0, min_inside=0.0)


def _just_under(scores: Figures, score: float) -> float:
    """Midway between a score and the next lower one, 0 below the lowest: thresholds sit where no face is."""
    lower = scores[(scores < score) & (scores >= 0)]
    return (float(lower.max()) + score) / 2 if lower.size else 0.0


def _just_above(scores: Figures, score: float) -> float | None:
    """Midway between a score and the next higher one, or 1; None above 1."""
    higher = scores[scores > score]
    return None if score >= 1 else (score + (float(higher.min()) if higher.size else 1.0)) / 2
