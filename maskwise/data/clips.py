"""Short films whose truth is known: embedded faces walk through a room, put masks on and let them slip.

For tests, measurements and demonstrations of what watches streams; faces from the ORL set, masks drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data import embedded
from maskwise.data.masks import MaskStyle, Sitter, Wearing, draw_mask, sit, wearing_label
from maskwise.model.faces import YuNet
from maskwise.values import UNMASKED, Frame, Image

FACE_WH = (184, 224)
"""ORL faces, enlarged twice."""

SKIN = np.array([1.0, 0.82, 0.70], np.float32)
"""Grey faces are tinted: a colour camera shows none."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a film.

    person: of the ORL set, 0 to 39.
    masks: (from second, way of wearing or None for no mask), in order of time; the first from the beginning.
    start_xy, end_xy: where the middle of the face is when the actor comes and goes, as shares of the picture.
    comes_s, goes_s: when.
    height: of the face, as a share of the picture's.
    """

    person: int
    masks: tuple[tuple[float, Wearing | None], ...] = ((0.0, None),)
    start_xy: tuple[float, float] = (0.5, 0.5)
    end_xy: tuple[float, float] = (0.5, 0.5)
    comes_s: float = 0.0
    goes_s: float = 1e9
    height: float = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One actor in one frame: (4,) box in pixels, and the class."""

    actor: int
    box_xyxy: NDArray[np.float32]
    label: str


def film(
    actors: Sequence[Actor], seconds: float, rate: float = 30.0, size_wh: tuple[int, int] = (640, 480), seed: int = 0
) -> Iterator[tuple[Frame, tuple[Truth, ...]]]:
    """Frame by frame, with what there is to be seen; later actors walk in front of earlier ones.

    Args:
        actors: who.
        seconds: how long.
        rate: frames a second.
        size_wh: of the frames, pixels.
        seed: of the camera's noise.
    """
    rng = np.random.default_rng(seed)
    room = _room(size_wh)
    for index in range(round(seconds * rate)):
        time_s = index / rate
        image, truths = room.copy(), []
        for number, actor in enumerate(actors):
            if actor.comes_s <= time_s < min(actor.goes_s, seconds):
                truths.append(_walk(image, number, actor, time_s, min(actor.goes_s, seconds)))
        noise = rng.integers(-4, 5, (size_wh[1] // 2, size_wh[0] // 2, 1), np.int16)
        noisy = image.astype(np.int16) + cv2.resize(noise, size_wh, interpolation=cv2.INTER_NEAREST)[..., None]
        yield Frame(np.clip(noisy, 0, 255).astype(np.uint8), "film", index, time_s), tuple(truths)


def _walk(image: Image, number: int, actor: Actor, time_s: float, goes_s: float) -> Truth:
    """Paste an actor where they are by now."""
    height, width = image.shape[:2]
    through = (time_s - actor.comes_s) / max(goes_s - actor.comes_s, 1e-9)
    x, y = (a + (b - a) * through for a, b in zip(actor.start_xy, actor.end_xy, strict=True))
    wearing = [way for since, way in actor.masks if since <= time_s][-1]
    scale = actor.height * height / FACE_WH[1]
    size = max(2, round(FACE_WH[0] * scale)), max(2, round(FACE_WH[1] * scale))
    face = np.asarray(cv2.resize(_face(actor.person, wearing), size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = round(x * width - size[0] / 2), round(y * height - size[1] / 2)
    _paste(image, face, left, top)
    box = _box(actor.person) * np.float32(scale) + np.array([left, top, left, top], np.float32)
    return Truth(number, box, UNMASKED if wearing is None else wearing_label(wearing))


def _paste(image: Image, face: Image, left: int, top: int) -> None:
    """Lay a picture into another with soft edges, as far as it lies inside."""
    height, width = face.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    soft = np.clip((1 - np.maximum(np.abs(x), np.abs(y))) / 0.12, 0, 1)[..., None]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    here = image[y0:y1, x0:x1]
    here[:] = (here + (face[part].astype(np.float32) - here) * soft[part]).astype(np.uint8)


@cache
def _room(size_wh: tuple[int, int]) -> Image:
    """A wall with a window's light on it."""
    y, x = np.mgrid[0 : 1 : size_wh[1] * 1j, 0 : 1 : size_wh[0] * 1j]
    light = 90 + 60 * np.exp(-((x - 0.7) ** 2 + (y - 0.3) ** 2) / 0.2) - 25 * y
    return np.stack([light, light * 0.98, light * 0.93], axis=2).astype(np.uint8)


@cache
def _sitter(person: int) -> Sitter:
    grey = embedded.orl_faces()[person * 10][1]
    large = cv2.resize(grey, FACE_WH, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    image = np.clip(large * SKIN, 0, 255).astype(np.uint8)
    faces = YuNet()(image)
    return sit(image, faces.landmarks_xy[0], faces.boxes_xyxy[0])


def _box(person: int) -> NDArray[np.float32]:
    return _sitter(person).box_xyxy


@cache
def _face(person: int, wearing: Wearing | None) -> Image:
    if wearing is None:
        return _sitter(person).image
    return draw_mask(_sitter(person), MaskStyle(wearing=wearing, seed=person))
