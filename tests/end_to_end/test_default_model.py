"""The model that comes along, on people it never saw: faces of the ORL set, bare and with drawn masks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.data import astronaut

import maskwise
from maskwise.data.embedded import colourise, orl_faces
from maskwise.data.masks import random_style, render_mask
from maskwise.data.masks.style import Wearing
from maskwise.model.artifact import ONNX_NAME, folder_of, read_card
from maskwise.model.faces import YuNet
from maskwise.values import CLASSES, INCORRECT, MASKED, UNMASKED, Image

LARGEST_BYTES = 6_000_000
PEOPLE = range(0, 40, 2)


def test_it_fits_into_a_package() -> None:
    folder = folder_of("default")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= LARGEST_BYTES
    assert {path.name for path in folder.iterdir()} == {"model.json", ONNX_NAME}


def test_its_card_says_what_was_measured_on_how_many() -> None:
    card = read_card(folder_of("default"))
    assert card.labels == CLASSES
    assert set(card.operating_points) >= {"balanced", "statistics"}
    measured = card.figures["test"]
    assert len(measured["sources"]) >= 4
    for figures in measured["sources"].values():
        assert 0 <= figures["accuracy"]["low"] <= figures["accuracy"]["value"] <= figures["accuracy"]["high"] <= 1
        assert figures["accuracy"]["n"] == figures["n"] > 0


def pictures(person: int) -> Iterator[tuple[str, Image]]:
    """The same photograph bare, with a mask, and with one that leaves the nose bare."""
    rng = np.random.default_rng(person)
    grey = np.asarray(cv2.resize(orl_faces()[10 * person][1], None, fx=2, fy=2), np.uint8)
    found = YuNet()(grey)
    bare = colourise(grey, found, float(rng.beta(1.2, 1.7)), rng)
    yield UNMASKED, bare
    wearings: tuple[tuple[str, Wearing], ...] = ((MASKED, "covering"), (INCORRECT, "nose_out"))
    for label, wearing in wearings:
        style = random_style(rng, wearing=wearing)
        yield label, render_mask(bare, found.landmarks_xy[0], found.boxes_xyxy[0], style)


@cache
def answers() -> Counter[tuple[str, str]]:
    """(what it is, what it was called) of each face."""
    check = maskwise.load(threads=1)
    shown = [(label, image) for person in PEOPLE for label, image in pictures(person)]
    return Counter((label, verdict.label) for label, image in shown for verdict in check(image).verdicts)


@pytest.mark.parametrize("label", CLASSES)
def test_most_faces_are_called_what_they_are(label: str) -> None:
    of_it = {called: count for (truth, called), count in answers().items() if truth == label}
    assert sum(of_it.values()) >= 0.9 * len(PEOPLE), of_it
    assert of_it.get(label, 0) >= 0.7 * sum(of_it.values()), of_it


def test_check_needs_no_model_to_be_named(tmp_path: Path) -> None:
    Pillow.fromarray(astronaut()).save(tmp_path / "astronaut.png")
    command = [sys.executable, "-m", "maskwise", "check", "astronaut.png", "--fail-on", "masked,incorrect,uncertain"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 unmasked" in ran.stdout + ran.stderr
