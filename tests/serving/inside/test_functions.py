"""The page's functions, run by node, against those of the service: the same numbers, to the bit where it is pixels."""

from __future__ import annotations

import base64
import json
import math
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.data.embedded import astronaut, orl_faces
from maskwise.model.artifact import folder_of, read_card
from maskwise.model.classifier import softmax
from maskwise.model.crops import CropSpec, crop_face, square_around
from maskwise.model.faces import YuNet, bundled_weights, scales
from maskwise.model.preprocess import Preprocess
from maskwise.model.quality import FaceQuality, quality_of, sharpness
from maskwise.model.verdict import Thresholds, decide
from maskwise.model.yunet import OUTPUTS, YuNetNetwork
from maskwise.serving.api.inside import RUNTIME
from maskwise.values import CLASSES, Faces, Image
from tests.serving.inside.needs import node

RUNNER = Path(__file__).with_name("functions.mjs")
Call = tuple[str, list[Any]]


@pytest.fixture
def called(tmp_path: Path) -> Any:
    """Calls the functions named and gives their answers."""
    program = node()

    def call(calls: list[Call]) -> list[Any]:
        table = tmp_path / "table.json"
        table.write_text(json.dumps([{"call": name, "given": given} for name, given in calls]))
        command = [program, str(RUNNER), str(RUNTIME.parent / "js" / "inside"), str(table)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        answers: list[Any] = json.loads(ran.stdout)
        return answers

    return call


def picture(image: Image) -> dict[str, Any]:
    return {"rgb": base64.b64encode(image.tobytes()).decode(), "width": image.shape[1], "height": image.shape[0]}


def image(given: dict[str, Any]) -> Image:
    return np.frombuffer(base64.b64decode(given["rgb"]), np.uint8).reshape(given["height"], given["width"], 3)


def f32(values: NDArray[Any]) -> dict[str, Any]:
    return {"f32": base64.b64encode(np.asarray(values, np.float32).tobytes()).decode()}


def some_picture(rng: np.random.Generator, width: int, height: int) -> Image:
    """A part of a photograph with noise on it: smooth, and yet every value occurs."""
    photograph = np.asarray(cv2.resize(astronaut(), (width, height)), np.int64)
    return np.asarray(np.clip(photograph + rng.integers(-40, 41, (height, width, 3)), 0, 255), np.uint8)


def resized(image: Any, side: int) -> Image:
    small: Image = np.asarray(cv2.resize(image, (side, side)), np.uint8)
    return small


SMALLER = [
    (640, 480, 320, 240), (512, 512, 320, 320), (1920, 1080, 320, 180), (800, 600, 320, 240), (333, 217, 320, 209),
    (150, 150, 112, 112), (224, 224, 112, 112), (336, 336, 112, 112), (113, 113, 112, 112), (112, 112, 64, 64),
    (2500, 31, 1920, 24), (1000, 2, 320, 1), (401, 401, 401, 320),
]  # fmt: skip
LARGER = [(60, 60, 112, 112), (100, 75, 320, 240), (111, 111, 112, 112), (1, 1, 112, 112), (92, 112, 263, 320)]


@pytest.mark.parametrize(
    ("name", "method", "sizes"), [("shrink", cv2.INTER_AREA, SMALLER), ("enlarge", cv2.INTER_LINEAR, LARGER)]
)
def test_pictures_are_resized_as_opencv_does_it(
    called: Any, name: str, method: int, sizes: list[tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(20, 300, (12, 2)).tolist()
    factor = rng.uniform(0.1, 1, 12) if name == "shrink" else rng.uniform(1, 4, 12)
    more = [(w, h, max(1, round(w * f)), max(1, round(h * f))) for (w, h), f in zip(drawn, factor, strict=True)]
    sizes = [*sizes, *more]
    pictures = [some_picture(rng, width, height) for width, height, *_ in sizes]
    answers = called([(name, [picture(p), *size[2:]]) for p, size in zip(pictures, sizes, strict=True)])
    for given, size, answer in zip(pictures, sizes, answers, strict=True):
        np.testing.assert_array_equal(image(answer), cv2.resize(given, size[2:], interpolation=method), str(size))


def test_faces_are_cut_as_in_training(called: Any) -> None:
    rng = np.random.default_rng(1)
    spec = CropSpec(112, 0.25)
    photograph = some_picture(rng, 320, 240)
    corners = rng.uniform((-60, -60), (320, 240), (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 260, (40, 2))], axis=1).astype(np.float32)
    boxes[:2] = [[10.5, 10.5, 21.5, 20.5], [0.0, 0.0, 320.0, 240.0]]
    boxes[2:4] = [[-500.0, -500.0, -400.0, -380.0], [900.0, 900.0, 950.0, 960.0]]
    given = [[float(v) for v in box] for box in boxes]
    squares = called([("squareAround", [box, spec.margin]) for box in given])
    assert [(s["left"], s["top"], s["side"]) for s in squares] == [square_around(box, spec.margin) for box in boxes]
    crops = called([("cropFace", [picture(photograph), box, asdict(spec)]) for box in given])
    for box, crop in zip(boxes, crops, strict=True):
        np.testing.assert_array_equal(image(crop), crop_face(photograph, box, spec), str(box))


def test_what_can_be_seen_is_measured_alike(called: Any) -> None:
    rng = np.random.default_rng(2)
    crops = [some_picture(rng, 112, 112), np.zeros((112, 112, 3), np.uint8), resized(cv2.blur(astronaut(), (9, 9)), 90)]
    crops += [resized(face, side) for (_, face), side in zip(orl_faces()[:3], (64, 112, 80), strict=True)]
    answers = called([("sharpness", [picture(crop)]) for crop in crops])
    np.testing.assert_allclose(answers, np.array([sharpness(crop) for crop in crops]), rtol=1e-5, atol=1e-7)

    boxes = np.array([[3, 4, 50.25, 40.5], [0, 0, 64, 48]], np.float32)
    landmarks = rng.uniform(-20, 84, (2, 10)).astype(np.float32)
    landmarks[1, 3] = np.nan
    faces = Faces(boxes, np.ones(2, np.float32), landmarks.reshape(2, 5, 2))
    quality = quality_of(faces, np.stack([crops[0]] * 2), 64, 48)
    size = {"width": 64, "height": 48}
    given = [{"box": f32(b), "landmarks": f32(m)} for b, m in zip(boxes, landmarks, strict=True)]
    answers = called([("qualityOf", [face, picture(crops[0]), size]) for face in given])
    assert [a["sidePx"] for a in answers] == quality.side_px.tolist()
    assert [a["inside"] for a in answers] == [quality.inside[0], None]  # null stands for nan


@pytest.mark.parametrize("masked_from", [None, 0.2, 0.76])
def test_verdicts_and_their_reasons_are_the_same(called: Any, masked_from: float | None) -> None:
    rng = np.random.default_rng(3)
    n = 300
    sharp = rng.dirichlet((0.4, 0.4, 0.4), n).astype(np.float32)
    sharp[:5] = [[0.6, 0.2, 0.2], [0.5999996, 0.2, 0.2], [0.5, 0.5, 0], [0.4, 0.4, 0.2], [0.125, 0.375, 0.5]]
    seen = FaceQuality(rng.uniform(0, 60, n), rng.uniform(0, 0.5, n), rng.integers(0, 6, n) / 5)
    seen.side_px[5:20] = [19.5, 20.5, 18.5, 0.5, 1.5, 2.5, 19.999, 20, 19.9999999, 20.5, 19.5, 3.5, 4.5, 12.5, 19]
    seen.inside[30:34] = np.nan
    thresholds = Thresholds(0.6, masked_from, min_face_px=20, min_sharpness=0.125)
    expected = decide(sharp, seen, CLASSES, thresholds)
    quality = [
        {"sidePx": side, "sharpness": s, "inside": {"nan": True} if math.isnan(inside) else inside}
        for side, s, inside in zip(seen.side_px, seen.sharpness, seen.inside, strict=True)
    ]
    given = [[f32(row), q, CLASSES, asdict(thresholds)] for row, q in zip(sharp, quality, strict=True)]
    answers = called([("decide", one) for one in given])
    assert [(a["label"], a["confidence"], a["because"]) for a in answers] == [
        (v.label, v.confidence, v.uncertain_because) for v in expected
    ]
    assert {str(v.uncertain_because).split()[0] for v in expected} >= {"None", "face", "confidence"}


def test_overlapping_boxes_are_dropped_as_opencv_does_it(called: Any) -> None:
    rng = np.random.default_rng(4)
    tables = []
    for count, whole in [(0, True), (1, True), (60, True), (60, False), (200, True), (200, False)]:
        boxes = np.concatenate([rng.uniform(-10, 60, (count, 2)), rng.uniform(0, 50, (count, 2))], axis=1)
        boxes = np.trunc(boxes) if whole else boxes.astype(np.float32).astype(np.float64)
        drawn = np.round(rng.uniform(0, 1, count), 1 if whole else 6).astype(np.float32)  # many equal ones
        tables.append((boxes.tolist(), [float(score) for score in drawn]))
    answers = called([("bestOfEach", [boxes, scores, 0.4, 100]) for boxes, scores in tables])
    for (boxes, scores), answer in zip(tables, answers, strict=True):
        expected = cv2.dnn.NMSBoxes(boxes, scores, 0.0, 0.4, top_k=100) if boxes else []
        assert answer == [int(i) for i in expected]


def test_faces_of_several_looks_are_merged_alike(called: Any) -> None:
    rng = np.random.default_rng(5)
    detect = YuNet()
    tables = [rng.uniform(-20, 120, (40, 15)).astype(np.float32) for _ in range(6)]
    for rows in tables:
        rows[:, 2:4] = rng.uniform(-2, 90, (40, 2))
        rows[:, 14] = rng.uniform(0.6, 1, 40)
        rows[3, 2], rows[4, 5] = 1e27, np.inf
    answers = called([("facesOf", [[f32(r) for r in rows], {"width": 100, "height": 80}]) for rows in tables])
    for rows, answer in zip(tables, answers, strict=True):
        faces = _merged_by(detect, rows)
        assert [a["box"] for a in answer] == faces.boxes_xyxy.tolist()
        assert [a["score"] for a in answer] == faces.scores.tolist()
        assert [a["landmarks"] for a in answer] == faces.landmarks_xy.reshape(-1, 10).tolist()


def _merged_by(detect: YuNet, rows: NDArray[np.float32]) -> Faces:
    """What the service's detector makes of rows that its network gave."""
    detect._network = lambda _: rows.copy()  # type: ignore[assignment]
    return detect.once(np.zeros((80, 100, 3), np.uint8))


def test_the_detectors_outputs_are_read_alike(called: Any) -> None:
    network = YuNetNetwork(bundled_weights(), 0.6)
    photograph = np.asarray(cv2.resize(astronaut(), (320, 352)), np.uint8)
    given = {network._input: cv2.dnn.blobFromImage(photograph, swapRB=True)}
    maps = {
        name: f32(found.ravel())
        for name, found in zip(OUTPUTS, network._session.run(list(OUTPUTS), given), strict=True)
    }
    for threshold in (0.6, 0.001):  # of the second there are hundreds
        network._threshold = threshold
        expected = network(photograph)
        (rows,) = called([("rowsOf", [maps, 320, threshold])])
        assert len(rows) == len(expected) > 0
        np.testing.assert_allclose(rows, expected, rtol=2e-6, atol=2e-5)


def test_pictures_are_looked_through_at_the_same_sizes(called: Any) -> None:
    sizes = [(640, 480), (320, 240), (399, 20), (400, 400), (401, 10), (60, 80), (1920, 1080), (4000, 3000), (1, 1)]
    assert called([("scales", list(size)) for size in sizes]) == [scales(*size) for size in sizes]


def test_the_classifier_sees_and_says_the_same_numbers(called: Any) -> None:
    rng = np.random.default_rng(6)
    crops = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    preprocess = Preprocess((0.498, 0.4, 0.3), (0.502, 0.2, 0.3))
    (planes,) = called([("planes", [[picture(c) for c in crops], asdict(preprocess)])])
    np.testing.assert_array_equal(np.float32(planes), preprocess(crops).ravel())
    logits = rng.normal(0, 6, (50, 3)).astype(np.float32)
    answers = called([("softmax", [f32(row), 0.695]) for row in logits])
    np.testing.assert_allclose(answers, softmax(logits, 0.695), rtol=1e-6, atol=1e-9)


def test_numbers_are_rounded_as_python_does_it(called: Any) -> None:
    rng = np.random.default_rng(7)
    values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4999999999999996, 0.1, 7.0, -3.2, *rng.uniform(-99, 99, 20)]
    assert called([("roundHalfEven", [v]) for v in values]) == [round(v) for v in values]
    texts = [0.125, 0.375, 0.615, 1.005, 0.285, 20.5, 19.5, 2.5, 0.0, 0.0625, 1e-9, *rng.uniform(0, 99, 60)]
    wanted = [(v, places) for v in texts for places in range(7)]
    assert called([("fixed", [v, p]) for v, p in wanted]) == [f"{v:.{p}f}" for v, p in wanted]


def test_the_callers_thresholds_are_the_models(called: Any) -> None:
    card = read_card(folder_of("default"))
    known = {
        "thresholds": asdict(card.thresholds),
        "operating_points": {k: asdict(v) for k, v in card.operating_points.items()},
    }
    plain, gate, own, unknown, wrong = called([
        ("thresholdsOf", [known, options])
        for options in ({}, {"operatingPoint": "gate"}, {"threshold": 0.9}, {"operatingPoint": "x"}, {"threshold": 2})
    ])  # fmt: skip
    assert plain == asdict(card.thresholds)
    assert gate == asdict(card.thresholds_at("gate"))
    assert own == asdict(card.thresholds) | {"confidence": 0.9}
    assert "balanced, gate, statistics" in unknown["error"]
    assert "between 0 and 1" in wrong["error"]


def test_transparent_pixels_lie_on_white(called: Any) -> None:
    rgba = np.array([[[10, 20, 30, 255], [0, 0, 0, 0], [255, 0, 100, 51]]], np.uint8)
    (answer,) = called([("fromRgba", [{"rgba": base64.b64encode(rgba.tobytes()).decode()}, 3, 1])])
    assert image(answer).tolist() == [[[10, 20, 30], [255, 255, 255], [255, 204, 224]]]
