from __future__ import annotations

import json

import numpy as np
import pytest

from maskwise.serving.checking.answers import Answer, failed, result_json, summary
from maskwise.values import Faces, FrameResult, Verdict


def result(labels: tuple[str, ...], *rows: tuple[float, ...]) -> FrameResult:
    n = len(rows)
    boxes = np.tile(np.array([[1, 2, 30, 40]], np.float32), (n, 1))
    faces = Faces(boxes, np.full(n, 0.9, np.float32), np.full((n, 5, 2), np.nan, np.float32))
    verdicts = tuple(Verdict("uncertain", max(row), "because") for row in rows)
    return FrameResult("a.jpg", 0, None, 64, 48, faces, labels, np.array(rows, np.float32), verdicts)


@pytest.mark.parametrize(
    ("labels", "p", "present", "covered"),
    [
        (("masked", "incorrect", "unmasked"), (0.3, 0.5, 0.2), (True, 0.8), (False, 0.7)),
        (("masked", "incorrect", "unmasked"), (0.7, 0.1, 0.2), (True, 0.8), (True, 0.7)),
        (("masked", "incorrect", "unmasked"), (0.1, 0.1, 0.8), (False, 0.8), (False, 0.9)),
        (("masked", "unmasked"), (0.9, 0.1), (True, 0.9), (True, 0.9)),
        (("masked", "unmasked"), (0.25, 0.75), (False, 0.75), (False, 0.75)),
        (("masked", "incorrect"), (0.25, 0.75), (True, 1.0), (False, 0.75)),
    ],
)
def test_two_answers_more_for_each_face(
    labels: tuple[str, ...], p: tuple[float, ...], present: tuple[bool, float], covered: tuple[bool, float]
) -> None:
    (face,) = result_json(result(labels, p))["faces"]
    assert face["mask_present"] == {"value": present[0], "confidence": pytest.approx(present[1], abs=1e-4)}
    assert face["nose_and_mouth_covered"] == {"value": covered[0], "confidence": pytest.approx(covered[1], abs=1e-4)}


def test_all_else_is_the_one_json_of_maskwise() -> None:
    one = result(("masked", "unmasked"), (0.9, 0.1), (0.4, 0.6))
    content = result_json(one)
    for face in content["faces"]:
        del face["mask_present"], face["nose_and_mouth_covered"]
    assert content == one.to_json()


def test_a_summary_sorts_every_face_once() -> None:
    verdicts = [("masked", 0.9), ("masked", 0.7), ("incorrect", 0.8), ("unmasked", 0.79), ("uncertain", 0.99)]
    first = Answer(b"", tuple(Verdict(label, p) for label, p in verdicts))
    unreadable = failed("broken", "b.jpg", 1, ("masked", "unmasked"))
    third = Answer(b"", (Verdict("unmasked", 1.0),))
    assert summary([first, unreadable, third], 0.8) == {
        "min_confidence": 0.8,
        "with_mask": [{"picture": 0, "face": 0}],
        "without_mask": [{"picture": 0, "face": 2}, {"picture": 2, "face": 0}],
        "indeterminate": [{"picture": 0, "face": 1}, {"picture": 0, "face": 3}, {"picture": 0, "face": 4}],
    }


def test_a_picture_that_could_not_be_looked_at_is_a_row() -> None:
    row = json.loads(failed("ä.jpg: broken", "ä.jpg", 3, ("masked", "unmasked")).json)
    assert (row["source"], row["index"], row["error"], row["faces"]) == ("ä.jpg", 3, "ä.jpg: broken", [])
