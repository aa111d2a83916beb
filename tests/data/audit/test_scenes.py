from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data.audit.scenes import LEAST_INLIERS, agreeing, find_scenes
from maskwise.data.audit.shelf import Shelf, fill
from maskwise.data.embedded import astronaut, orl_faces
from maskwise.data.formats import read_dataset
from maskwise.values import Image


def room(face: Image, left: int) -> Image:
    """The astronaut's surroundings with somebody else's face before them: one room, another moment."""
    picture = astronaut().copy()
    large = cv2.resize(face, (180, 220), interpolation=cv2.INTER_CUBIC)
    picture[60:280, left : left + 180] = large
    return picture


def stamped(face: Image, stamp: Image) -> Image:
    """A face with a stamp in its corner."""
    picture = np.asarray(cv2.resize(face, (240, 300), interpolation=cv2.INTER_CUBIC), np.uint8)
    picture[-24:, -24:] = cv2.resize(stamp, (24, 24), interpolation=cv2.INTER_AREA)
    return picture


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("scenes")
    people = [picture for _, picture in orl_faces()[::10]]
    pictures = {f"room-{i}": room(people[i], left) for i, left in enumerate((20, 60, 300))}
    pictures |= {f"stamp-{i}": stamped(people[10 + i], astronaut()) for i in range(4)}
    pictures |= {f"plain-{i}": people[20 + i] for i in range(8)}
    for name, picture in pictures.items():
        label = "masked" if name.endswith(("1", "3")) else "unmasked"
        (folder / "set" / label).mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(picture).save(folder / "set" / label / f"{name}.png")
    return fill(read_dataset(folder / "set"), folder / "looks", None)


def test_one_room_is_one_scene_and_a_stamp_or_a_kind_of_portrait_is_not(shelf: Shelf) -> None:
    names = [Path(path).stem for path in shelf.table["path"]]
    found = {tuple(sorted((names[a], names[b]))) for a, b in find_scenes(shelf).select("a", "b").rows()}
    assert found == {("room-0", "room-1"), ("room-0", "room-2"), ("room-1", "room-2")}


def test_the_same_answer_every_time(shelf: Shelf) -> None:
    assert find_scenes(shelf).equals(find_scenes(shelf))


def test_a_turned_and_scaled_arrangement_agrees_and_a_shuffled_one_does_not() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 250, (60, 2)).astype(np.float32)
    descriptors = rng.integers(0, 120, (60, 128)).astype(np.float32)
    turned = places @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32) * np.float32(1.2) + np.float32(5)
    assert agreeing((places, descriptors), (turned, descriptors)) >= 55
    assert agreeing((places, descriptors), (rng.permutation(turned), descriptors)) < LEAST_INLIERS
    assert agreeing((places[:3], descriptors[:3]), (turned, descriptors)) == 0
