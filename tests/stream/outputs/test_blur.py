"""Hidden faces are hidden from programs too: from a detector, and from a matcher that knows everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.data import embedded
from maskwise.data.clips import Actor, film
from maskwise.errors import ConfigError, ShapeError
from maskwise.model.faces import YuNet
from maskwise.model.images import read_image
from maskwise.stream.outputs.blur import BLURS, STEP, blurred, blurred_people, hides, parse_blur
from maskwise.stream.watching import Shown
from maskwise.values import Image, Verdict

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)


def box(*corners: float) -> NDArray[np.float32]:
    return np.array(corners, np.float32)


def shown(verdict: str, number: int = 1, at: NDArray[np.float32] | None = None) -> Shown:
    return Shown(number, box(40, 30, 80, 80) if at is None else at, Verdict(verdict, 0.9))


BOXES = {
    "inside": box(40, 30, 80, 80),
    "half out on the left": box(-20, 30, 20, 80),
    "over the lower right corner": box(140, 100, 180, 150),
    "a corner of it": box(-38, -48, 2, 2),
    "larger than the picture": box(-50, -50, 300, 300),
    "two pixels": box(60, 60, 62, 62),
    "hardly a pixel": box(60.4, 60.4, 61.6, 61.6),
}


@pytest.mark.parametrize("name", BOXES)
def test_wherever_it_lies_the_whole_box_becomes_two_colours_and_the_given_picture_stays(name: str) -> None:
    given = NOISE.copy()
    hidden = blurred(given, [BOXES[name]])
    assert (given == NOISE).all()
    x_min, y_min, x_max, y_max = (round(v) for v in np.clip(BOXES[name], 0, [160, 120, 160, 120]).tolist())
    inside = hidden[y_min:y_max, x_min:x_max]
    assert (inside == inside[:, :1]).all(), "one colour across: no pixel of the box is left"
    steps = np.abs(np.diff(inside[:, 0].astype(int), axis=0)).sum(axis=0)
    assert (steps <= 4 * STEP).all(), "noise has hundreds of steps, two colours have one"
    assert (hidden != NOISE).any()


def test_what_is_not_near_the_box_is_not_touched() -> None:
    hidden = blurred(NOISE, [box(40, 30, 80, 80)])
    outside = np.ones((120, 160), bool)
    outside[10:93, 30:91] = False
    assert (hidden[outside] == NOISE[outside]).all()


@pytest.mark.parametrize("beyond", [box(200, 30, 240, 80), box(-90, 30, -50, 80), box(40, 300, 80, 350)])
def test_a_box_beyond_the_picture_changes_nothing(beyond: NDArray[np.float32]) -> None:
    assert (blurred(NOISE, [beyond]) == NOISE).all()


def test_a_face_that_is_half_out_of_the_picture_is_not_shown_with_more_colours() -> None:
    """Of a face of which only the chin is in the picture, only the lower colour is."""
    hidden = blurred(NOISE, [box(40, -60, 80, 30)])
    assert len(np.unique(hidden[8:30, 60], axis=0)) == 1


VERDICTS = ("masked", "incorrect", "unmasked", "uncertain")


@pytest.mark.parametrize(
    ("which", "hidden"),
    [("all", VERDICTS), ("unmasked", ("incorrect", "unmasked", "uncertain")), ("none", ())],
)
def test_whose_face_is_hidden(which: str, hidden: tuple[str, ...]) -> None:
    how = parse_blur(which)
    assert tuple(verdict for verdict in VERDICTS if hides(how, verdict)) == hidden
    changed = tuple(v for v in VERDICTS if (blurred_people(NOISE, [shown(v)], how) != NOISE).any())
    assert changed == hidden


def test_a_wrong_word_is_told() -> None:
    with pytest.raises(ConfigError, match="'masked' is not one of all, unmasked, none"):
        parse_blur("masked")
    assert [parse_blur(name) for name in BLURS] == list(BLURS)


def test_grey_pictures_are_refused() -> None:
    with pytest.raises(ShapeError):
        blurred(np.zeros((10, 10), np.uint8), [])


def _pictures(shared_data: Path) -> Iterator[tuple[str, Image]]:
    for path in sorted((shared_data / "azface" / "people").glob("*.jpg")):
        yield path.name, read_image(path)


def test_a_detector_finds_no_face_where_one_was_hidden(shared_data: Path) -> None:
    detect, found, left = YuNet(), 0, []
    for name, image in _pictures(shared_data):
        faces = detect(image)
        found += len(faces)
        after = detect(blurred(image, faces.boxes_xyxy))
        left += [(name, b.tolist()) for b in after.boxes_xyxy if len(faces) and faces.iou(b).max() > 0.3]
    assert found > 30
    assert not left


@pytest.mark.parametrize("height", [0.08, 0.3, 0.9])
def test_a_detector_finds_no_face_in_a_film_of_any_size(height: float) -> None:
    """Boxes are the true ones: small faces that the detector misses are hidden too."""
    detect, seen = YuNet(), 0
    actors = [Actor(person=p, start_xy=(x, 0.5), end_xy=(x, 0.5), height=height) for p, x in ((1, 0.1), (7, 0.6))]
    for frame, truths in film(actors, 1, rate=3):
        seen += len(detect(frame.image))
        assert not len(detect(blurred(frame.image, [truth.box_xyxy for truth in truths])))
    assert seen or height < 0.1


def test_a_matcher_that_knows_everybody_hardly_does_better_than_guessing() -> None:
    """Nearest neighbour among five pictures of each of 40 people hidden in the same way: McPherson's attack."""
    faces = np.array([image for _, image in embedded.orl_faces()])
    who = np.arange(len(faces)) // 10
    known = np.arange(len(faces)) % 2 == 0

    def recognised(pictures: NDArray[np.uint8]) -> float:
        """By what stands in the box: hair and clothes around it tell people apart as well, and are not hidden."""
        pictures = pictures[:, 24:100, 16:76]
        parts = [cv2.resize(picture, (6, 8), interpolation=cv2.INTER_AREA) for picture in pictures]
        seen = np.array(parts, np.float32).reshape(len(pictures), -1)
        apart = ((seen[~known][:, None] - seen[known][None]) ** 2).sum(axis=2)
        return float((who[known][apart.argmin(axis=1)] == who[~known]).mean())

    in_box = box(16, 24, 76, 100)
    assert recognised(faces) > 0.75, "else the attack would be too weak to show anything"
    assert recognised(np.array([blurred(face, [in_box]) for face in faces])) < 0.2
