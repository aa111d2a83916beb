from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import ConfigError
from maskwise.model.quality import FaceQuality
from maskwise.model.verdict import Thresholds, answers, decide, decided
from maskwise.values import CLASSES, UNCERTAIN, Verdict

TWO = ("masked", "unmasked")


def quality(n: int, side_px: float = 100, sharpness: float = 1, inside: float = 1) -> FaceQuality:
    return FaceQuality(*(np.full(n, value, np.float64) for value in (side_px, sharpness, inside)))


def one(row: Sequence[float], thresholds: Thresholds, *labels: str, **seen: float) -> Verdict:
    (verdict,) = decide(np.array([row], np.float32), quality(1, **seen), labels or CLASSES, thresholds)
    return verdict


def plainly(row: Sequence[float], labels: Sequence[str], limits: Thresholds, seen: Sequence[float]) -> str:
    """The rule again, written as one would say it."""
    p = dict(zip(labels, row, strict=True))
    answer = max(p, key=lambda name: p[name])
    if limits.masked_from is not None and "masked" in p:
        others = {name: value for name, value in p.items() if name != "masked"}
        answer = "masked" if p["masked"] >= limits.masked_from else max(others, key=lambda name: others[name])
    wanted = (limits.min_face_px, limits.min_sharpness, limits.min_inside, limits.confidence)
    under = any(value < limit for value, limit in zip((*seen, p[answer]), wanted, strict=True))
    return UNCERTAIN if under else answer


SHARE = st.floats(0, 1, width=32)
LABELS = st.permutations(CLASSES).flatmap(lambda names: st.sampled_from([tuple(names), tuple(names[:2])]))
LIMITS = st.builds(
    Thresholds, SHARE, st.none() | SHARE, st.floats(0, 60), st.floats(0, 1), st.sampled_from([0.0, 0.6, 0.8, 1.0])
)


@given(st.data(), LABELS, LIMITS, st.floats(0, 100), st.floats(0, 1), st.sampled_from([0.2, 0.6, 0.8, 1.0]))
def test_the_rule_is_the_plain_one(
    data: st.DataObject, labels: tuple[str, ...], limits: Thresholds, side_px: float, sharpness: float, inside: float
) -> None:
    weights = np.array(data.draw(st.lists(st.integers(0, 8), min_size=len(labels), max_size=len(labels)).filter(any)))
    row = (weights / weights.sum()).astype(np.float32)
    verdict = one(row, limits, *labels, side_px=side_px, sharpness=sharpness, inside=inside)
    assert verdict.label == plainly([float(p) for p in row], labels, limits, (side_px, sharpness, inside))
    said = row[labels.index(verdict.label)] if verdict.label in labels else row.max()
    assert verdict.confidence == float(said)
    assert (verdict.uncertain_because is None) == (verdict.label != UNCERTAIN)
    assert "\n" not in str(verdict.uncertain_because)


@given(SHARE, SHARE, SHARE)
def test_a_stricter_gate_lets_no_other_face_pass(p: float, first: float, second: float) -> None:
    lax, strict = sorted([first, second])
    row = [p, 1 - p]
    if one(row, Thresholds(0.5, masked_from=strict), *TWO).label == "masked":
        assert one(row, Thresholds(0.5, masked_from=lax), *TWO).label == "masked"


@given(st.floats(0, 1), SHARE)
def test_a_threshold_that_is_no_float32_is_compared_exactly(threshold: float, p: float) -> None:
    """numpy would round the threshold to float32 and let a face pass that is under it."""
    (answer,), _ = answers(np.array([[p, 1 - p]], np.float32), TWO, threshold)
    assert (TWO[answer] == "masked") == (p >= threshold)


@pytest.mark.parametrize(
    ("row", "limits", "seen", "because"),
    [
        ((0.5, 0.3, 0.2), Thresholds(0.9), {}, "confidence 0.50 is under 0.90"),
        ((0.8961, 0.1, 0.0039), Thresholds(0.8962), {}, "confidence 0.8961 is under 0.8962"),
        ((0.97, 0.03, 0.0), Thresholds(0.6, masked_from=0.99), {}, "p(masked) 0.970 is under 0.990"),
        ((0.4, 0.35, 0.25), Thresholds(0.6, masked_from=0.3), {}, "confidence 0.40 is under 0.60"),
        ((1.0, 0.0, 0.0), Thresholds(), {"side_px": 12.4}, "face of 12 px is under 20 px"),
        ((1.0, 0.0, 0.0), Thresholds(), {"side_px": 19.9}, "face of 19.9 px is under 20.0 px"),
        ((1.0, 0.0, 0.0), Thresholds(min_sharpness=0.1), {"sharpness": 0.05},
         "face is blurred: sharpness 0.05 is under 0.10"),
        ((1.0, 0.0, 0.0), Thresholds(), {"inside": 0.6}, "face is cut off: share in the picture 0.60 is under 0.80"),
        ((0.5, 0.3, 0.2), Thresholds(0.9), {"side_px": 12}, "face of 12 px is under 20 px"),
    ],
)  # fmt: skip
def test_the_reason_names_what_is_missing(
    row: tuple[float, ...], limits: Thresholds, seen: dict[str, float], because: str
) -> None:
    verdict = one(row, limits, **seen)
    assert (verdict.label, verdict.uncertain_because) == (UNCERTAIN, because)
    assert verdict.confidence == pytest.approx(max(row))


@pytest.mark.parametrize("name", ["side_px", "sharpness", "inside"])
def test_what_is_not_known_hides_no_answer(name: str) -> None:
    strict = Thresholds(0.5, min_face_px=1000, min_sharpness=1000, min_inside=1)
    seen = {"side_px": 2000.0, "sharpness": 2000.0, "inside": 1.0}
    assert one((1, 0, 0), strict, **seen | {name: np.nan}).label == "masked"
    assert one((1, 0, 0), strict, **seen | {name: 0.0}).label == UNCERTAIN


def test_no_face_no_verdict() -> None:
    none = np.zeros((0, 3), np.float32)
    assert decide(none, quality(0), CLASSES, Thresholds(masked_from=0.9)) == ()
    assert decided(np.zeros(0), quality(0), Thresholds()).shape == (0,)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"confidence": 1.1}, "confidence: 1.1 is not between 0 and 1"),
        ({"confidence": float("nan")}, "confidence: nan"),
        ({"masked_from": -0.1}, "masked_from: -0.1 is not between"),
        ({"min_inside": 2}, "min_inside: 2"),
        ({"min_face_px": -1}, "min_face_px: -1 is below 0"),
        ({"min_sharpness": float("nan")}, "min_sharpness: nan"),
    ],
)
def test_limits_out_of_range_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Thresholds(**values)
