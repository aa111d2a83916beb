"""Trained networks on rendered masks: what they go by should lie on the lower face, where alone the pictures differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import maskwise
from maskwise.data.embedded import colourise, orl_faces
from maskwise.data.masks import random_style, render_mask
from maskwise.inference.explain import explain
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import CropSpec, crop_faces, crop_whole
from maskwise.model.faces import YuNet
from maskwise.values import MASKED, UNMASKED, Faces, Image
from tests.small_model import PEOPLE, small_data, small_model


def bare_and_masked(people: range) -> Iterator[tuple[Image, Image, Faces]]:
    """A picture of each person without and with a mask; skin has a colour, as in the demo's data."""
    detect, pictures = YuNet(), orl_faces()
    for person in people:
        rng = np.random.default_rng(person)
        grey = np.asarray(cv2.resize(pictures[10 * person][1], None, fx=2, fy=2), np.uint8)
        found = detect(grey)
        bare = colourise(grey, found, float(rng.beta(1.2, 1.7)), rng)
        yield bare, render_mask(bare, found.landmarks_xy[0], found.boxes_xyxy[0], random_style(rng)), found


def lower_face(found: Faces, spec: CropSpec, image: Image, whole: bool) -> NDArray[np.bool_]:
    """(size, size): what lies under the middle between eyes and nose tip, cut as the picture is."""
    eyes_y, nose_y = found.landmarks_xy[0, :2, 1].mean(), found.landmarks_xy[0, 2, 1]
    where = np.zeros_like(image)
    where[round(float(eyes_y + nose_y) / 2) :] = 255
    return cut(where, found, spec, whole)[..., 0] > 127


def cut(image: Image, found: Faces, spec: CropSpec, whole: bool) -> Image:
    return crop_whole(image, spec) if whole else crop_faces(image, found.boxes_xyxy[:1], spec)[0]


def shares(classify: MaskClassifier, people: range) -> dict[str, list[tuple[float, float]]]:
    """For each right answer: which share of the evidence lies on the lower face, and which share of the crop does."""
    spec, whole = classify.card.crop, classify.card.faces == "whole"
    shares: dict[str, list[tuple[float, float]]] = {MASKED: [], UNMASKED: []}
    for bare, masked, found in bare_and_masked(people):
        lower = lower_face(found, spec, bare, whole)
        for label, image in ((UNMASKED, bare), (MASKED, masked)):
            evidence = explain(classify, cut(image, found, spec, whole))
            if evidence.label == label:
                shares[label].append((evidence.share(lower), float(lower.mean())))
    return shares


def test_a_small_network_calls_masked_by_the_lower_face(tmp_path: Path) -> None:
    """Of bare faces this is not asked: at 24 pixels, after a moment's training, it goes by hair and forehead too."""
    small = MaskClassifier.load(small_model(small_data(tmp_path / "data"), tmp_path / "run"), threads=1)
    found = shares(small, range(PEOPLE, PEOPLE + 12))[MASKED]
    assert len(found) >= 8
    evidence, area = np.mean(found, axis=0)
    assert evidence > 0.5
    assert evidence > area + 0.1


def test_the_default_model_goes_by_mouth_and_mask() -> None:
    """A bare face it tells by its lower half, a masked one by the mask. For both it wants to see eyes as well."""
    classify = maskwise.load("default", threads=1).pipeline.classify
    bare = shares(classify, range(0, 40, 4))[UNMASKED]
    assert len(bare) >= 7
    evidence, area = np.mean(bare, axis=0)
    assert evidence > 0.6 > area
    on_masks = on_the_mask(classify, range(0, 40, 4))
    assert len(on_masks) >= 7
    evidence, area = np.mean(on_masks, axis=0)
    assert evidence > 1.4 * area


def on_the_mask(classify: MaskClassifier, people: range) -> list[tuple[float, float]]:
    """Of each masked face that is called so: which share of the evidence, and of the crop, lies on the drawn mask."""
    spec, found_shares = classify.card.crop, []
    for bare, masked, found in bare_and_masked(people):
        before, after = (cut(image, found, spec, whole=False) for image in (bare, masked))
        drawn = np.abs(before.astype(int) - after).max(axis=2) > 12
        evidence = explain(classify, after)
        if evidence.label == MASKED:
            found_shares.append((evidence.share(drawn), float(drawn.mean())))
    return found_shares
