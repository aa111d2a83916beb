from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.inference.evidence_picture import (
    AGAINST_RGB,
    EDGE_PX,
    FACE_PX,
    FOR_RGB,
    HEAD_PX,
    SIZE,
    draw_evidence,
)
from maskwise.inference.explain import Evidence
from maskwise.model.palette import rgb_of
from maskwise.values import MASKED, Image, Verdict

FACE = slice(HEAD_PX, HEAD_PX + FACE_PX)
CROP, COLOURED = ((FACE, slice(left, left + FACE_PX)) for left in (EDGE_PX, 2 * EDGE_PX + FACE_PX))


def evidence(lower: float, upper: float = 0.0, size_px: int = 64) -> Evidence:
    """A grey face whose lower half speaks so much for the answer, and whose upper half so much."""
    log_odds = np.full((size_px, size_px), upper, np.float32)
    log_odds[size_px // 2 :] = lower
    return Evidence(np.full((size_px, size_px, 3), 128, np.uint8), MASKED, log_odds)


def drawn(seen: Evidence, verdict: Verdict | None = None) -> Image:
    picture = draw_evidence(seen, verdict or Verdict(MASKED, 0.97))
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    return picture


def colourfulness(part: Image) -> NDArray[np.int64]:
    return np.asarray(np.ptp(part.astype(np.int64), axis=2))


@pytest.mark.parametrize("size_px", [16, 100, 112, 700])
def test_the_face_stands_beside_it_untouched_at_any_size(size_px: int) -> None:
    assert (drawn(evidence(2.0, size_px=size_px))[CROP] == 128).all()


def test_what_speaks_for_the_answer_is_yellow_and_what_speaks_against_it_purple() -> None:
    face = drawn(evidence(2.0, upper=-2.0))[COLOURED]
    lower, upper = face[FACE_PX // 2 + 40 : -20, 20:-20], face[20 : FACE_PX // 2 - 40, 20:-20]
    assert np.abs(lower.astype(int) - FOR_RGB).max() < 40
    assert np.abs(upper.astype(int) - AGAINST_RGB).max() < 40
    brightness = [float(cv2.cvtColor(half, cv2.COLOR_RGB2GRAY).mean()) for half in (lower, upper)]
    assert brightness[0] - brightness[1] > 40, "in grey print the two look alike"


def test_what_does_not_matter_stays_grey() -> None:
    face = drawn(evidence(2.0))[COLOURED]
    assert not colourfulness(face[: FACE_PX // 2 - 10]).any()
    assert colourfulness(face[FACE_PX // 2 + 40 :]).mean() > 100


def test_hardly_any_evidence_is_not_blown_up() -> None:
    assert colourfulness(drawn(evidence(0.001))[COLOURED]).max() < 10


@pytest.mark.parametrize("label", ["masked", "incorrect", "unmasked", "uncertain"])
def test_the_verdict_stands_above_in_its_colour(label: str) -> None:
    head = drawn(evidence(1.0), Verdict(label, 0.5, "confidence 0.50 is under 0.60"))[:HEAD_PX]
    assert (head == rgb_of(label)).all(axis=2).sum() > 1000


def test_a_long_reason_ends_before_the_picture_does() -> None:
    reason = "face is cut off: share in the picture 0.20 is under 0.80"
    assert (drawn(evidence(1.0), Verdict("uncertain", 1.0, reason))[:HEAD_PX, -EDGE_PX:] == 255).all()


@pytest.mark.parametrize("strength", [0.0, 2.0, 40.0])
def test_the_legend_fits(strength: float) -> None:
    foot = drawn(evidence(strength))[HEAD_PX + FACE_PX :]
    assert (foot < 100).any()
    assert (foot[:, 1 - EDGE_PX :] == 255).all()
