"""What a mask looks like and how it sits, and styles at random such as people wear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from maskwise.errors import ConfigError
from maskwise.values import INCORRECT, MASKED

Texture = Literal[
    "plain", "pleated", "ridge", "dots", "stripes", "check", "blotches", "moulded", "draped", "photographed"
]
Wearing = Literal["covering", "nose_out", "chin", "one_ear", "forehead"]
Strap = Literal["ear", "head", "none"]
Shape = Literal["flat", "duckbill", "cup", "tube"]
Valve = Literal["none", "middle", "right", "left"]
Side = Literal["right", "left"]

WEARINGS: tuple[Wearing, ...] = get_args(Wearing)
"""Every way of wearing a mask that can be drawn."""


def wearing_label(wearing: Wearing) -> str:
    """The class of a face whose mask is worn so: `masked` where nose and mouth are covered, else `incorrect`.

    Raises:
        ConfigError: no such way of wearing.
    """
    _check_word("wearing", wearing, WEARINGS)
    return MASKED if wearing == "covering" else INCORRECT


def _check_word(name: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise ConfigError(f"mask {name}: {given!r} is not one of {list(allowed)}")


@dataclass(frozen=True, slots=True)
class MaskStyle:
    """A mask, and how it sits.

    colour_rgb: of the cloth in white light, each 0 to 255.
    second_rgb: of the pattern, where the texture has one.
    texture: plain cloth, pleated surgical, ridge (folded respirator), moulded (pressed respirator), draped (cloth that
        hangs in folds), a pattern printed on cloth, or photographed (a swatch, which brings its own colours).
    top_mm: height of the upper edge over the middle of the nose, counted down from the line of the eyes on an average
        face; the nose tip is near 40. Ways of wearing that leave the nose bare move it down.
    bottom_mm: height of the lower edge in the middle; the chin is near 113, cloth beyond it lies under the chin.
    side_mm: how high the mask is at its sides.
    reach_deg: how far round the head it reaches: 0 is the nose, 90 the ear.
    tilt_mm: how much lower it sits on the person's left than on the right.
    strap: round the ear, round the head, or out of sight.
    strap_rgb: its colour.
    wrinkles: strength of the folds, 0 to 1.
    seed: of the wrinkles and the pattern.
    wearing: `covering` nose and mouth (masked); incorrect are `nose_out`, `chin` (mouth and nose out), `one_ear`
        (hanging beside the jaw) and `forehead` (pushed up).
    shape: flat cloth that the nose lifts; a duckbill's two panels; a moulded cup; a tube down to the neck.
    valve: where an exhalation valve sits.
    side: the person's ear that a mask worn on one ear hangs from, where the camera can see it.
    under_hair: dark hair that falls over the cheeks stays in front of the cloth.
    """

    colour_rgb: tuple[int, int, int] = (150, 190, 215)
    second_rgb: tuple[int, int, int] = (240, 240, 240)
    texture: Texture = "pleated"
    top_mm: float = 14.0
    bottom_mm: float = 119.0
    side_mm: float = 50.0
    reach_deg: float = 74.0
    tilt_mm: float = 0.0
    strap: Strap = "ear"
    strap_rgb: tuple[int, int, int] = (235, 235, 235)
    wrinkles: float = 0.5
    seed: int = 0
    wearing: Wearing = "covering"
    shape: Shape = "flat"
    valve: Valve = "none"
    side: Side = "right"
    under_hair: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("texture", Texture),
            ("strap", Strap),
            ("wearing", Wearing),
            ("shape", Shape),
            ("valve", Valve),
            ("side", Side),
        ):
            _check_word(name, getattr(self, name), get_args(allowed))
        for name, low, high in (
            ("top_mm", 0, 34),  # lower, the nose would be out and the label a lie
            ("bottom_mm", 90, 175 if self.shape == "tube" else 125),
            ("side_mm", 15, 70),
            ("reach_deg", 40, 95),
            ("tilt_mm", -15, 15),
            ("wrinkles", 0, 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"mask {name}: {getattr(self, name)} is not between {low} and {high}")


SURGICAL_RGB = ((152, 196, 222), (120, 178, 214), (176, 214, 226), (150, 205, 195), (232, 236, 238))
# Skin-like, grey and dark cloth belongs in: with gaudy masks only, a network learns colour and not cloth.
CLOTH_RGB = (
    (236, 236, 234),
    (28, 28, 31),
    (62, 64, 70),
    (128, 130, 133),
    (185, 186, 186),
    (205, 170, 145),
    (224, 190, 166),
    (150, 108, 82),
    (96, 66, 50),
    (230, 182, 190),
    (40, 55, 95),
    (120, 30, 42),
    (54, 88, 62),
    (190, 60, 60),
    (90, 120, 175),
    (222, 205, 150),
)
RESPIRATOR_RGB = ((240, 240, 238), (232, 233, 236), (48, 48, 52), (206, 196, 184), (170, 190, 205))
TEXTURES: dict[str, tuple[Texture, ...]] = {
    "surgical": ("pleated",),
    "cloth": ("plain",),
    "printed": ("dots", "stripes", "check", "blotches"),
    "respirator": ("ridge",),
}


def random_style(rng: np.random.Generator, wearing: Wearing = "covering") -> MaskStyle:
    """Draw a mask such as people wear; the generator decides everything."""
    kind = str(rng.choice(["surgical", "cloth", "printed", "respirator"], p=[0.42, 0.25, 0.15, 0.18]))
    texture = TEXTURES[kind][rng.integers(len(TEXTURES[kind]))]
    palette = {"surgical": SURGICAL_RGB, "respirator": RESPIRATOR_RGB}.get(kind, CLOTH_RGB)
    colour = vary(rng, palette[rng.integers(len(palette))])
    if kind == "surgical" and rng.random() < 0.15:
        colour = vary(rng, (38, 38, 42))
    white = rng.random() < 0.6
    return MaskStyle(
        colour_rgb=colour,
        second_rgb=vary(rng, CLOTH_RGB[rng.integers(len(CLOTH_RGB))]),
        texture=texture,
        top_mm=float(rng.uniform(6, 24)),
        bottom_mm=float(rng.uniform(112, 123)),
        side_mm=float(rng.uniform(*{"surgical": (42, 60), "respirator": (24, 38)}.get(kind, (32, 56)))),
        reach_deg=float(rng.uniform(66, 80)),
        tilt_mm=float(np.clip(rng.normal(0, 1.5), -5, 5)),
        strap=("ear", "ear", "ear", "none", "head")[rng.integers(5 if kind == "respirator" else 4)],
        strap_rgb=(235, 235, 235) if white else colour,
        wrinkles=float(rng.uniform(0.2, 1)),
        seed=int(rng.integers(2**31)),
        wearing=wearing,
    )


def vary(rng: np.random.Generator, colour_rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """The same cloth from another roll: a colour near the one given."""
    r, g, b = (int(v) for v in np.clip(np.array(colour_rgb) * rng.uniform(0.88, 1.08) + rng.normal(0, 5, 3), 12, 250))
    return r, g, b
