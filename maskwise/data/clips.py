"""Short films whose truth is known: embedded faces walk through a room, put masks on and let them slip.

For tests, measurements and demonstrations of what watches streams. The faces are those of the ORL set in invented
colours, the masks and hands are drawn. A face is up to ten photographs of a person in turn, half a second each, so it
turns and frowns in jerks; it does not blur, and all light is that of the studio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data import embedded
from maskwise.data.masks import NEGATIVES, Sitter, Wearing, draw_mask, draw_negative, random_style, sit, wearing_label
from maskwise.errors import ConfigError
from maskwise.model.faces import YuNet
from maskwise.values import UNMASKED, Frame, Image

FACE_WH = (184, 224)
"""ORL faces, enlarged twice."""

SOFT = 0.15
"""Share of a head's half width over which it fades into the room."""

PICTURE_S = 0.5
"""So long each photograph of a person is shown."""

BARE = "bare"
LOOKS = (BARE, *get_args(Wearing), *NEGATIVES)
"""Whatever a face can show: nothing, a mask in some way of wearing, or what is easily taken for one."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a film.

    person: of the ORL set, 0 to 39.
    pictures: of that person, each 0 to 9, shown in turn.
    looks: (from second, one of LOOKS), in order of time; the first from the beginning.
    start_xy, end_xy: where the middle of the face is when the actor comes and goes, as shares of the picture.
    comes_s, goes_s: when.
    height: of the face, as a share of the picture's.
    seed: of skin and mask.
    """

    person: int
    pictures: tuple[int, ...] = (0,)
    looks: tuple[tuple[float, str], ...] = ((0.0, BARE),)
    start_xy: tuple[float, float] = (0.5, 0.5)
    end_xy: tuple[float, float] = (0.5, 0.5)
    comes_s: float = 0.0
    goes_s: float = 1e9
    height: float = 0.4
    seed: int = 0

    def __post_init__(self) -> None:
        known = self.pictures and all(0 <= picture < embedded.PICTURES for picture in self.pictures)
        if not (known and 0 <= self.person < embedded.PEOPLE):
            raise ConfigError(
                f"actor: person {self.person}, pictures {self.pictures}: there are 40 people x 10 pictures"
            )
        for _, look in self.looks:
            if look not in LOOKS:
                raise ConfigError(f"actor: look {look!r} is not one of {', '.join(LOOKS)}")
        if not self.looks:
            raise ConfigError("actor: looks has nothing in it; give at least ((0.0, 'bare'),)")

    def look(self, time_s: float) -> str:
        """What the face shows at a time."""
        return ([look for since, look in self.looks if since <= time_s] or [self.looks[0][1]])[-1]


@dataclass(frozen=True, slots=True, eq=False)
class InSight:
    """One actor in one frame: (4,) box in pixels, and the class."""

    actor: int
    box_xyxy: NDArray[np.float32]
    label: str


def film(
    actors: Sequence[Actor], seconds: float, rate: float = 30.0, size_wh: tuple[int, int] = (640, 480), seed: int = 0
) -> Iterator[tuple[Frame, tuple[InSight, ...]]]:
    """Frame by frame, with what there is to be seen.

    Later actors walk in front of earlier ones; one who is hidden by more than half is not in sight.

    Args:
        actors: who.
        seconds: how long.
        rate: frames a second.
        size_wh: of the frames, pixels.
        seed: of the camera's noise.
    """
    rng = np.random.default_rng(seed)
    width, height = size_wh
    room = _room(size_wh)
    for index in range(round(seconds * rate)):
        time_s = index / rate
        image, there = room.copy(), []
        for number, actor in enumerate(actors):
            if actor.comes_s <= time_s < actor.goes_s:
                there.append(_walk(image, number, actor, time_s, min(actor.goes_s, seconds)))
        noise = rng.integers(-4, 5, (height // 2 + 1, width // 2 + 1, 1), np.int16)
        noisy = image.astype(np.int16) + noise.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
        yield Frame(np.clip(noisy, 0, 255).astype(np.uint8), "film", index, time_s), _in_sight(there, size_wh)


def label_of(look: str) -> str:
    """The class of a face that shows one of LOOKS."""
    return wearing_label(look) if look in get_args(Wearing) else UNMASKED  # type: ignore[arg-type]


def crowd(faces: int, size_wh: tuple[int, int]) -> tuple[Actor, ...]:
    """People side by side who move up and down, every other one with a mask: something to measure with.

    Args:
        faces: how many, 0 to 40.
        size_wh: of the film, pixels; many faces in a narrow one are small.
    """
    height = min(0.3, 0.8 / max(faces, 1) * size_wh[0] / size_wh[1])
    places = [((i + 0.5) / faces, 0.35 + 0.3 * (i % 2)) for i in range(faces)]
    return tuple(
        Actor(i, looks=((0.0, "covering" if i % 2 else BARE),), start_xy=(x, y), end_xy=(x, 1 - y), height=height)
        for i, (x, y) in enumerate(places)
    )


# --- scenarios --------------------------------------------------------------------------------------------------------

Cast = Callable[[tuple[int, ...], float, int], tuple[Actor, ...]]
"""From people of the ORL set, seconds and a seed to a film's actors."""


def _puts_on(people: tuple[int, ...], seconds: float, seed: int) -> tuple[Actor, ...]:
    return (_stroller(people[0], seed, (0.0, BARE), (seconds / 3, "covering")),)


def _takes_off(people: tuple[int, ...], seconds: float, seed: int) -> tuple[Actor, ...]:
    return (_stroller(people[0], seed, (0.0, "covering"), (seconds / 3, BARE)),)


def _slips(people: tuple[int, ...], seconds: float, seed: int) -> tuple[Actor, ...]:
    return (_stroller(people[0], seed, (0.0, "covering"), (seconds / 3, "nose_out")),)


def _leaves(people: tuple[int, ...], seconds: float, seed: int) -> tuple[Actor, ...]:
    """Comes with a mask, puts it under the chin, walks out at the side."""
    return (
        Actor(
            people[0],
            looks=((0.0, "covering"), (0.3 * seconds, "chin")),
            start_xy=(0.25, 0.5),
            end_xy=(1.2, 0.45),
            comes_s=0.05 * seconds,
            goes_s=0.8 * seconds,
            seed=seed,
        ),
    )


def _two_cross(people: tuple[int, ...], _seconds: float, seed: int) -> tuple[Actor, ...]:
    """One with a mask, one without; their faces meet in the middle, the second in front."""
    return (
        Actor(
            people[0], looks=((0.0, "covering"),), start_xy=(0.15, 0.45), end_xy=(0.85, 0.45), height=0.36, seed=seed
        ),
        Actor(people[1], start_xy=(0.85, 0.53), end_xy=(0.15, 0.53), height=0.4, seed=seed + 1),
    )


def _beard_and_hand(people: tuple[int, ...], seconds: float, seed: int) -> tuple[Actor, ...]:
    """Two without a mask all the time: one bearded, one with a hand or a cup at the mouth now and then."""
    fifth = seconds / 5
    busy = ((0.0, BARE), (fifth, "hand"), (2 * fifth, BARE), (3 * fifth, "cup"), (4 * fifth, BARE))
    return (
        Actor(people[0], looks=((0.0, "beard"),), start_xy=(0.25, 0.5), end_xy=(0.3, 0.5), seed=seed),
        Actor(people[1], looks=busy, start_xy=(0.7, 0.5), end_xy=(0.75, 0.5), seed=seed + 1),
    )


def _empty_room(_people: tuple[int, ...], _seconds: float, _seed: int) -> tuple[Actor, ...]:
    return ()


def _stroller(person: int, seed: int, *looks: tuple[float, str]) -> Actor:
    return Actor(person, looks=looks, start_xy=(0.4, 0.5), end_xy=(0.6, 0.48), seed=seed)


SCENARIOS: dict[str, Cast] = {
    "puts_on": _puts_on,
    "takes_off": _takes_off,
    "slips_under_nose": _slips,
    "leaves": _leaves,
    "two_cross": _two_cross,
    "beard_and_hand": _beard_and_hand,
    "empty_room": _empty_room,
}
"""Films by name."""


def scenario(
    name: str, seconds: float = 12.0, people: tuple[int, ...] | None = None, seed: int = 0
) -> tuple[Actor, ...]:
    """The actors of a named film.

    Args:
        name: one of SCENARIOS.
        seconds: how long it is to be.
        people: two of the ORL set; drawn by the seed if None.
        seed: of people, skin and masks.

    Raises:
        ConfigError: no such film, or one of no length.
    """
    if name not in SCENARIOS:
        raise ConfigError(f"scenario {name!r} is not one of {', '.join(SCENARIOS)}")
    if not 0 < seconds <= 3600:
        raise ConfigError(f"a film of {seconds:g} s cannot be made; give more than 0 and at most 3600 s")
    rng = np.random.default_rng(seed)
    drawn = tuple(int(i) for i in rng.permutation(embedded.PEOPLE)[:2])
    actors = SCENARIOS[name](people or drawn, seconds, seed)
    return tuple(replace(one, pictures=tuple(rng.permutation(_usable(one.person)).tolist())) for one in actors)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _walk(image: Image, number: int, actor: Actor, time_s: float, goes_s: float) -> InSight:
    """Paste an actor where they are by now."""
    height, width = image.shape[:2]
    through = (time_s - actor.comes_s) / max(goes_s - actor.comes_s, 1e-9)
    x, y = (a + (b - a) * through for a, b in zip(actor.start_xy, actor.end_xy, strict=True))
    look = actor.look(time_s)
    scale = actor.height * height / FACE_WH[1]
    size = max(2, round(FACE_WH[0] * scale)), max(2, round(FACE_WH[1] * scale))
    picture = actor.pictures[int(time_s / PICTURE_S) % len(actor.pictures)]
    large = _face(actor.person, picture, look, actor.seed)
    face = np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = round(x * width - size[0] / 2), round(y * height - size[1] / 2)
    _paste(image, face, left, top)
    own = _sitter(actor.person, picture, actor.seed).box_xyxy
    box = own * np.float32(scale) + np.array([left, top, left, top], np.float32)
    return InSight(number, box, label_of(look))


def _in_sight(there: Sequence[InSight], size_wh: tuple[int, int]) -> tuple[InSight, ...]:
    """Those of whom at least half can be seen, with the part of their box that lies in the picture."""
    seen = []
    for i, one in enumerate(there):
        inside = np.clip(one.box_xyxy, 0, np.array([*size_wh, *size_wh], np.float32)).astype(np.float32)
        hidden = max((_shared(inside, other.box_xyxy) for other in there[i + 1 :]), default=0.0)
        if (_area(inside) - hidden) / _area(one.box_xyxy) >= 0.5:
            seen.append(InSight(one.actor, inside, one.label))
    return tuple(seen)


def _area(box: NDArray[np.float32]) -> float:
    return float(np.maximum(box[2:] - box[:2], 0).prod())


def _shared(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return _area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))


def _paste(image: Image, face: Image, left: int, top: int) -> None:
    """Lay a picture into another with soft edges, as far as it lies inside."""
    height, width = face.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    here = image[y0:y1, x0:x1]
    here[:] = (here + (face[part].astype(np.float32) - here) * _soft(height, width)[part]).astype(np.uint8)


@lru_cache(maxsize=16)
def _soft(height: int, width: int) -> NDArray[np.float32]:
    """(height, width, 1) 1 on the head, 0 around it: an oval, since the edge of a picture is read as that of a mask."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(np.clip((1 - np.hypot(x, 0.95 * y)) / SOFT, 0, 1)[..., None], np.float32)


@lru_cache(maxsize=4)
def _room(size_wh: tuple[int, int]) -> Image:
    """A wall with a window's light on it."""
    y, x = np.mgrid[0 : 1 : size_wh[1] * 1j, 0 : 1 : size_wh[0] * 1j]
    light = 90 + 60 * np.exp(-((x - 0.7) ** 2 + (y - 0.3) ** 2) / 0.2) - 25 * y
    return np.stack([light, light * 0.98, light * 0.93], axis=2).astype(np.uint8)


@lru_cache(maxsize=1)
def _photographs() -> list[Image]:
    """The ORL set, each picture (224, 184, 3)."""
    return [
        np.asarray(cv2.resize(g, FACE_WH, interpolation=cv2.INTER_CUBIC), np.uint8) for _, g in embedded.orl_faces()
    ]


@lru_cache(maxsize=embedded.PEOPLE)
def _usable(person: int) -> list[int]:
    """A person's pictures in which a face is found."""
    detect, first = YuNet(), person * embedded.PICTURES
    return [picture for picture in range(embedded.PICTURES) if len(detect(_photographs()[first + picture]))]


@lru_cache(maxsize=64)
def _sitter(person: int, picture: int, seed: int) -> Sitter:
    photograph = _photographs()[person * embedded.PICTURES + picture]
    found = YuNet()(photograph)
    if not len(found):
        raise ConfigError(f"actor: no face is found in picture {picture} of person {person}; take another one")
    rng = np.random.default_rng([seed, person])
    image = embedded.colourise(photograph, found, float(rng.beta(1.2, 1.7)), rng)
    return sit(image, found.landmarks_xy[0], found.boxes_xyxy[0])


@lru_cache(maxsize=64)
def _face(person: int, picture: int, look: str, seed: int) -> Image:
    sitter = _sitter(person, picture, seed)
    if look == BARE:
        return sitter.image
    if look in NEGATIVES:
        return draw_negative(sitter, look, seed)
    return draw_mask(sitter, random_style(np.random.default_rng([seed, person]), look))  # type: ignore[arg-type]
