from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.errors import ImageError
from maskwise.inference.checker import Checker, load
from maskwise.serving.checking.looking import Sent, look
from tests.serving.checking.running import nobody, one_face, people

ALL = 40_000_000


@pytest.fixture(scope="module")
def checker() -> Checker:
    return load()


def test_together_is_what_each_gets_alone(checker: Checker) -> None:
    narrow = load(threads=1).pipeline
    pictures = [people(4), one_face(), nobody(), b"no picture", people(7), one_face(), people(1)]
    looked = look(narrow, [Sent(data, str(i), i) for i, data in enumerate(pictures)], ALL)
    faces = 0
    for data, one in zip(pictures, looked, strict=True):
        if data == b"no picture":
            assert isinstance(one, ImageError)
            continue
        assert not isinstance(one, ImageError)
        seen, probabilities = one
        alone = checker(np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB")))
        result = seen.decided(probabilities, checker.labels, checker.pipeline.thresholds)
        assert [v.label for v in result.verdicts] == [v.label for v in alone.verdicts]
        np.testing.assert_allclose(probabilities, alone.probabilities, atol=1e-5)
        np.testing.assert_allclose(seen.faces.boxes_xyxy, alone.faces.boxes_xyxy, atol=1e-3)
        assert (result.width, result.height) == (alone.width, alone.height)
        faces += len(alone.faces)
    assert faces >= 12  # an empty answer would pass everything above


def test_only_pictures_that_cannot_be_read(checker: Checker) -> None:
    looked = look(checker.pipeline, [Sent(b""), Sent(b"x", "a.jpg")], ALL)
    assert [str(one).partition(":")[0] for one in looked] == ["the picture", "a.jpg"]
    assert all(isinstance(one, ImageError) for one in looked)


def test_pixels_are_kept_only_if_that_is_asked_for(checker: Checker) -> None:
    kept, left = look(checker.pipeline, [Sent(nobody(), keep=True), Sent(nobody())], ALL)
    assert not isinstance(kept, ImageError)
    assert not isinstance(left, ImageError)
    assert kept[0].image is not None
    assert left[0].image is None


def test_too_many_pixels_are_refused_by_the_header(checker: Checker) -> None:
    pixels = 120 * 160
    fits, too_large = (look(checker.pipeline, [Sent(nobody(), "a.png")], most)[0] for most in (pixels, pixels - 1))
    assert not isinstance(fits, ImageError)
    assert isinstance(too_large, ImageError)
    assert f"at most {pixels - 1:,}" in str(too_large)
