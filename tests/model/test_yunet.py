"""YuNet under ONNX Runtime against OpenCV's own FaceDetectorYN, which reads the same file in its own way."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.data import embedded
from maskwise.errors import ArtifactError
from maskwise.model.any_size import any_size
from maskwise.model.artifact import folder_of
from maskwise.model.faces import bundled_weights
from maskwise.model.images import read_image
from maskwise.model.yunet import Rows, YuNetNetwork
from maskwise.values import Image

THRESHOLD = 0.6


@pytest.fixture(scope="module")
def network() -> YuNetNetwork:
    return YuNetNetwork(bundled_weights(), THRESHOLD)


def opencv(image: Image) -> Rows:
    size = (image.shape[1], image.shape[0])
    detector = cv2.FaceDetectorYN.create(str(bundled_weights()), "", size, THRESHOLD, 0.4, 5000)
    _, rows = detector.detect(np.ascontiguousarray(image[..., ::-1]))
    return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


def crowd(rng: np.random.Generator, width: int, height: int) -> Image:
    """Faces of many sizes on noise."""
    image = rng.integers(60, 160, (height, width, 3), np.uint8)
    faces = embedded.orl_faces()
    for _ in range(6):
        side = int(rng.integers(30, max(31, min(width, height) // 2)))
        face = cv2.resize(faces[rng.integers(len(faces))][1], (side, round(side * 1.2)))
        y, x = int(rng.integers(-10, max(1, height - side))), int(rng.integers(-10, max(1, width - side)))
        part = image[max(y, 0) : y + face.shape[0], max(x, 0) : x + side]
        part[:] = face[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]]
    return image


@pytest.mark.parametrize("seed", range(8))
def test_it_answers_as_opencv_does(network: YuNetNetwork, seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(v) for v in rng.integers(70, 700, 2))
    image = crowd(rng, width, height)
    expected = opencv(image)
    found = network(image)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_there_was_something_to_compare(network: YuNetNetwork) -> None:
    assert sum(len(network(crowd(np.random.default_rng(seed), 640, 480))) for seed in range(4)) > 8


def test_real_scenes_too(network: YuNetNetwork, shared_data: Path) -> None:
    found = 0
    for path in sorted((shared_data / "jolignier" / "images").iterdir())[:40]:
        image = read_image(path)
        rows = network(image)
        np.testing.assert_allclose(rows, opencv(image), atol=2e-3)
        found += len(rows)
    assert found > 60


def test_several_threads_get_what_one_gets(network: YuNetNetwork) -> None:
    images = [crowd(np.random.default_rng(seed), 200 + 40 * seed, 300) for seed in range(6)]
    alone, together = [network(image) for image in images], dict[int, Rows]()

    def work(number: int) -> None:
        for i in range(6):
            together[6 * number + i] = network(images[i])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 24
    for number, rows in together.items():
        np.testing.assert_array_equal(rows, alone[number % 6])


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "cannot use it"), (b"not a network", "cannot use it"), (None, "not YuNet")],
    ids=["empty", "text", "another network"],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "weights.onnx"
    path.write_bytes((folder_of("default") / "model.onnx").read_bytes() if content is None else content)
    with pytest.raises(ArtifactError, match=told):
        YuNetNetwork(path, THRESHOLD)


def test_only_sizes_are_changed_in_the_file() -> None:
    onnx = pytest.importorskip("onnx")
    before = onnx.load_from_string(bundled_weights().read_bytes())
    after = onnx.load_from_string(any_size(bundled_weights().read_bytes()))
    assert [d.dim_value for d in after.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 0, 0]
    assert {o.type.tensor_type.shape.dim[1].dim_value for o in after.graph.output} == {0}
    assert after.graph.node == before.graph.node
    assert after.graph.initializer == before.graph.initializer
    assert any_size(after.SerializeToString()) == after.SerializeToString()


@given(st.binary(max_size=200), st.integers(0, 2000))
@settings(deadline=None, max_examples=200)
def test_garbage_is_a_value_error_or_stays_a_message(content: bytes, cut: int) -> None:
    for message in (content, bundled_weights().read_bytes()[:cut] + content):
        try:
            changed = any_size(message)
        except ValueError:
            continue
        assert any_size(changed) is not None
