from __future__ import annotations

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from maskwise.data.audit.nearest import FLAT_UP_TO, neighbours, unit
from maskwise.data.audit.twins import ALIKE, TWIN, detail_correlation, find_twins, low_frequencies
from maskwise.data.embedded import astronaut, orl_faces
from maskwise.values import Image


def grey(image: Image) -> NDArray[np.uint8]:
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def cropped(image: Image, share: float) -> Image:
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[round(height * share) :, : width - round(width * share)])


CHANGES = {
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "cropped": lambda image: cropped(image, 0.05),
    "halved": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "jpeg": lambda image: jpeg(image, 60),
    "darker": lambda image: np.asarray(image * 0.7, np.uint8),
    "brighter": lambda image: np.clip(image * 1.3, 0, 255).astype(np.uint8),
    "stretched": lambda image: cv2.resize(image, None, fx=1.0, fy=0.9, interpolation=cv2.INTER_AREA),
}


@pytest.fixture(scope="module")
def faces() -> list[Image]:
    """One picture each of 40 people, cut alike: the hardest neighbours."""
    return [picture for _, picture in orl_faces()[::10]]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change: str, faces: list[Image]) -> None:
    copies = [CHANGES[change](face) for face in faces[:20]]
    found = find_twins(np.stack([grey(image) for image in [*faces, *copies]]))
    found = found.filter(pl.col("similarity") >= TWIN)
    pairs = set(found.select("a", "b").rows())
    expected = {(i, len(faces) + i) for i in range(20)}
    assert len(pairs & expected) >= 19, expected - pairs
    assert not pairs - expected
    assert set(found["mirrored"]) == {change == "mirrored"}
    assert found["similarity"].is_between(ALIKE, 1.0001).all()


def test_it_agrees_with_comparing_each_with_each(faces: list[Image]) -> None:
    small = np.stack([grey(face) for face in [*faces[:15], *(cropped(face, 0.04) for face in faces[:5])]])
    plain = {
        (a, b)
        for a in range(len(small))
        for b in range(a + 1, len(small))
        if max(detail_correlation(small[a], small[b]), detail_correlation(small[a][:, ::-1], small[b])) >= ALIKE
    }
    assert set(find_twins(small).select("a", "b").rows()) == plain
    assert plain


def test_different_people_and_flat_pictures_are_no_twins(faces: list[Image]) -> None:
    flat = [np.full((64, 64), value, np.uint8) for value in (0, 128, 255)]
    found = find_twins(np.stack([grey(face) for face in faces] + flat))
    assert found.height == 0


@pytest.mark.parametrize("count", [0, 1])
def test_few_pictures_are_an_ordinary_case(count: int) -> None:
    found = find_twins(np.zeros((count, 64, 64), np.uint8))
    assert found.height == 0
    assert found.columns == ["a", "b", "similarity", "mirrored"]


def test_the_mirrored_frequencies_are_those_of_the_mirrored_picture() -> None:
    picture = grey(astronaut())[None]
    _, mirrored = low_frequencies(picture)
    plain_of_mirrored, _ = low_frequencies(np.ascontiguousarray(picture[:, :, ::-1]))
    np.testing.assert_allclose(mirrored, plain_of_mirrored, atol=1e-5)


def test_inverted_lists_find_what_a_full_search_finds() -> None:
    rng = np.random.default_rng(0)
    base = unit(rng.standard_normal((FLAT_UP_TO + 5000, 24), np.float32))
    queries = unit(base[:500] + 0.05 * rng.standard_normal((500, 24), np.float32))
    found, cosines = neighbours(base, queries, 3)
    exact = (queries @ base.T).argmax(axis=1)
    assert (found[:, 0] == exact).mean() >= 0.99
    assert (np.diff(cosines, axis=1) <= 1e-6).all()
