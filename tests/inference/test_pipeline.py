from __future__ import annotations

import numpy as np
import pytest

from maskwise.inference.pipeline import Pipeline
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import crop_faces
from maskwise.model.faces import WholePicture, YuNet
from maskwise.model.verdict import Thresholds
from maskwise.values import Faces, Frame, Image
from tests.builders import BLUEISH, REDDISH, tiny_artifact


@pytest.fixture(scope="module")
def classify(tmp_path_factory: pytest.TempPathFactory) -> MaskClassifier:
    return MaskClassifier.load(tiny_artifact(tmp_path_factory.mktemp("artifact")))


def faces(*boxes: tuple[int, int, int, int]) -> Faces:
    n = len(boxes)
    return Faces(
        np.array(boxes, np.float32).reshape(n, 4), np.ones(n, np.float32), np.full((n, 5, 2), np.nan, np.float32)
    )


def blue_and_red() -> Image:
    """(40, 80, 3): blue on the left, red on the right."""
    return np.concatenate([np.full((40, 40, 3), colour, np.uint8) for colour in (BLUEISH, REDDISH)], axis=1)


def test_each_box_gets_its_own_verdict_in_the_detectors_order(classify: MaskClassifier) -> None:
    found = faces((0, 0, 40, 40), (40, 0, 80, 40), (0, 0, 5, 5))
    result = Pipeline(lambda _: found, classify, Thresholds(min_face_px=16))(Frame(blue_and_red()))
    assert [v.label for v in result.verdicts] == ["masked", "unmasked", "uncertain"]
    assert "under 16 px" in str(result.verdicts[2].uncertain_because)
    assert result.faces is found


def test_it_is_the_plain_sum_of_its_parts(classify: MaskClassifier) -> None:
    """Against the same steps written out: what is cut is what training cuts, margin and all."""
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    found = faces((10, 12, 50, 70), (60, 5, 119, 80))
    result = Pipeline(lambda _: found, classify)(Frame(image))
    expected = classify(crop_faces(image, found.boxes_xyxy, classify.card.crop))
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-6)


def test_where_the_frame_came_from_is_passed_on(classify: MaskClassifier) -> None:
    result = Pipeline(WholePicture(), classify)(Frame(blue_and_red(), "gate.mp4", index=7, time_s=0.28))
    said = (result.source, result.index, result.time_s, result.width, result.height, result.error)
    assert said == ("gate.mp4", 7, 0.28, 80, 40, None)


def test_no_face_is_an_ordinary_answer(classify: MaskClassifier) -> None:
    result = Pipeline(lambda _: Faces.none(), classify)(Frame(blue_and_red()))
    assert result.verdicts == ()
    assert result.probabilities.shape == (0, 2)


def test_the_artifacts_own_thresholds_hold_unless_others_are_given(classify: MaskClassifier) -> None:
    assert Pipeline(WholePicture(), classify).thresholds == classify.card.thresholds
    assert Pipeline(WholePicture(), classify, Thresholds(confidence=0.9)).thresholds.confidence == 0.9


def test_the_frame_is_not_drawn_on(classify: MaskClassifier) -> None:
    image = blue_and_red()
    image.flags.writeable = False  # any step that writes into it would raise
    assert len(Pipeline(WholePicture(), classify)(Frame(image)).verdicts) == 1
    Pipeline(YuNet(), classify)(Frame(image))


def test_each_face_is_explained_from_its_own_crop_in_the_order_of_the_result(classify: MaskClassifier) -> None:
    found, frame = faces((40, 0, 80, 40), (0, 0, 40, 40)), Frame(blue_and_red())
    pipeline = Pipeline(lambda _: found, classify)
    evidence = pipeline.explain(frame, pipeline(frame))
    assert [e.label for e in evidence] == ["unmasked", "masked"]
    crops = crop_faces(frame.image, found.boxes_xyxy, classify.card.crop)
    assert all(np.array_equal(e.crop, crop) for e, crop in zip(evidence, crops, strict=True))
