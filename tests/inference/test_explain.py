from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.errors import LabelError, ShapeError
from maskwise.inference.explain import CELLS, Evidence, explain
from maskwise.model.artifact import read_card, write_card
from maskwise.model.classifier import MaskClassifier
from maskwise.values import MASKED, UNMASKED, Image
from tests.builders import BLUEISH, REDDISH, tiny_artifact

CELL = 8
SIZE = CELLS * CELL

Place = tuple[slice, slice]
PLACES: dict[str, Place] = {
    "upper left": (slice(0, 16), slice(0, 16)),
    "mouth": (slice(20, 36), slice(12, 28)),
    "lower half": (slice(20, 40), slice(0, 40)),
    "right border": (slice(8, 32), slice(24, 40)),
}


def network(folder: Path, place: Place = PLACES["mouth"]) -> MaskClassifier:
    return MaskClassifier.load(tiny_artifact(folder, size_px=SIZE, looks_at=place), threads=1)


def blue_there(place: Place) -> Image:
    crop = np.full((SIZE, SIZE, 3), REDDISH, np.uint8)
    crop[place] = BLUEISH
    return crop


def around(place: Place, margin: int = 0) -> NDArray[np.bool_]:
    where = np.zeros((SIZE, SIZE), bool)
    where[tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in place)] = True
    return where


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_evidence_lies_where_the_network_looks_and_nowhere_else(place: Place, tmp_path: Path) -> None:
    found = explain(network(tmp_path, place), blue_there(place))
    assert found.label == MASKED
    strongest = found.log_odds.max()
    assert strongest > 0.1
    assert around(place).ravel()[found.log_odds.argmax()]
    assert found.share(around(place, margin=CELL)) > 0.95
    assert np.abs(found.log_odds[~around(place, margin=2 * CELL)]).max(initial=0) < 0.02 * strongest


def test_what_the_cells_add_is_what_the_whole_adds(tmp_path: Path) -> None:
    """The tiny network adds up its pixels, so its log-odds fall by the sum over the cells when all is covered."""
    classify, crop = network(tmp_path, (slice(0, SIZE), slice(0, SIZE))), blue_there(PLACES["mouth"])
    crop[PLACES["upper left"]] = (90, 120, 140)
    skin = np.broadcast_to(np.array(REDDISH, np.uint8), crop.shape)  # above the mouth, this is the colour of most
    (seen, hidden) = np.diff(classify.logits(np.stack([crop, skin])), axis=1)[:, 0]
    cells = explain(classify, crop, UNMASKED).log_odds[CELL // 2 :: CELL, CELL // 2 :: CELL]
    assert cells.sum() == pytest.approx(seen - hidden, abs=0.1)


def test_it_speaks_for_the_class_that_is_asked_for(tmp_path: Path) -> None:
    classify, crop = network(tmp_path), blue_there(PLACES["mouth"])
    assert explain(classify, crop).label == MASKED
    for_masked, for_unmasked = (explain(classify, crop, label).log_odds for label in (MASKED, UNMASKED))
    assert np.allclose(for_masked, -for_unmasked, atol=1e-5)
    assert for_masked.max() > 10 * -for_masked.min()


def test_it_is_the_same_every_time_and_leaves_the_crop_alone(tmp_path: Path) -> None:
    classify, crop = network(tmp_path), np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    kept = crop.copy()
    first, second = explain(classify, crop), explain(classify, crop)
    assert np.array_equal(first.log_odds, second.log_odds)
    assert np.array_equal(first.crop, kept)
    assert np.array_equal(crop, kept)


def test_the_log_odds_are_the_calibrated_ones(tmp_path: Path) -> None:
    crop = blue_there(PLACES["mouth"])
    plain = explain(network(tmp_path), crop).log_odds
    write_card(tmp_path, replace(read_card(tmp_path), temperature=2.0))
    assert np.allclose(explain(MaskClassifier.load(tmp_path, 1), crop).log_odds, plain / 2, atol=1e-6)


def test_a_class_among_three_is_weighed_against_the_other_two(tmp_path: Path) -> None:
    """The logits are 12 blue, 0 and 12 red, so for `incorrect` everything that has a colour speaks against it."""
    three = tiny_artifact(tmp_path, ("masked", "incorrect", "unmasked"), SIZE, PLACES["mouth"])
    crop = np.zeros((SIZE, SIZE, 3), np.uint8)
    crop[PLACES["mouth"]] = BLUEISH
    found = explain(MaskClassifier.load(three, 1), crop, "incorrect")
    assert around(PLACES["mouth"]).ravel()[found.log_odds.argmin()]
    assert found.log_odds.min() < -0.1


def test_a_face_without_any_detail_has_no_evidence(tmp_path: Path) -> None:
    crop = np.full((SIZE, SIZE, 3), BLUEISH, np.uint8)
    assert np.abs(explain(network(tmp_path), crop).log_odds).max() < 1e-4
    nothing = Evidence(crop, MASKED, np.full((SIZE, SIZE), -1, np.float32))
    assert np.isnan(nothing.share(around(PLACES["mouth"])))


def test_what_cannot_be_explained_is_refused(tmp_path: Path) -> None:
    classify, crop = network(tmp_path), blue_there(PLACES["mouth"])
    with pytest.raises(LabelError, match="'incorrect' is not one of masked, unmasked"):
        explain(classify, crop, "incorrect")
    with pytest.raises(ShapeError, match=r"expected \(40, 40, 3\)"):
        explain(classify, crop[:30])
    with pytest.raises(ShapeError, match="log_odds: expected"):
        Evidence(crop, MASKED, np.zeros((3, 3), np.float32))
