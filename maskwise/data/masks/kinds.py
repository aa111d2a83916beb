"""Masks at random, by kind: a wider mix than `random_style` draws, which the demo data set keeps to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from maskwise.data.masks.style import (
    CLOTH_RGB,
    RESPIRATOR_RGB,
    SURGICAL_RGB,
    MaskStyle,
    Shape,
    Side,
    Strap,
    Texture,
    Valve,
    Wearing,
    vary,
)
from maskwise.errors import ConfigError

DARK_RGB = ((22, 22, 25), (34, 34, 38), (48, 46, 48), (28, 32, 48), (52, 34, 34), (36, 46, 40))
WHITE_RGB = ((240, 240, 238), (232, 233, 236), (226, 226, 220))
SCARF_RGB = (*CLOTH_RGB, *DARK_RGB)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What masks of one kind have in common; ranges are (low, high)."""

    textures: tuple[Texture, ...]
    colours_rgb: tuple[tuple[int, int, int], ...]
    straps: tuple[Strap, ...]
    side_mm: tuple[float, float]
    reach_deg: tuple[float, float] = (66, 80)
    top_mm: tuple[float, float] = (6, 33)  # from under the eyes to just above the tip of the nose
    bottom_mm: tuple[float, float] = (112, 123)
    wrinkles: tuple[float, float] = (0.2, 1.0)
    shape: Shape = "flat"
    valves: tuple[Valve, ...] = ("none",)


_EAR: tuple[Strap, ...] = ("ear", "ear", "ear", "none")
_HEAD: tuple[Strap, ...] = ("head", "head", "none")
_PRINTS: tuple[Texture, ...] = ("dots", "stripes", "check", "blotches")
_KINDS: dict[str, _Kind] = {
    "surgical": _Kind(("pleated",), SURGICAL_RGB, _EAR, (42, 60)),
    "cloth": _Kind(("plain",), CLOTH_RGB, _EAR, (32, 56)),
    "patterned": _Kind(_PRINTS, CLOTH_RGB, _EAR, (32, 56)),
    "dark": _Kind(("plain", "plain", "pleated"), DARK_RGB, _EAR, (32, 58)),
    "ffp2": _Kind(("ridge",), RESPIRATOR_RGB, (*_EAR, "head"), (24, 38), wrinkles=(0.1, 0.5)),
    "duckbill": _Kind(
        ("plain",), (*RESPIRATOR_RGB, (190, 214, 232)), (*_HEAD, "ear"), (22, 32), (60, 68), wrinkles=(0.1, 0.4),
        shape="duckbill",
    ),
    "moulded": _Kind(
        ("moulded",), WHITE_RGB, _HEAD, (15, 18), (58, 66), (6, 24), (110, 118), (0.0, 0.2), shape="cup"
    ),
    "valve": _Kind(
        ("moulded",), (*WHITE_RGB, (52, 52, 56)), _HEAD, (15, 18), (58, 66), (6, 24), (110, 118), (0.0, 0.2),
        shape="cup", valves=("middle", "middle", "right", "left"),
    ),
    "gaiter": _Kind(
        ("draped", "draped", "dots", "blotches"), SCARF_RGB, ("none",), (40, 50), (84, 92), (4, 33), (150, 172),
        (0.3, 1.0), shape="tube",
    ),
}  # fmt: skip

KINDS = tuple(_KINDS)
"""Every kind of mask that can be asked for."""

PHOTOGRAPHED = "photographed"
"""The kind of a mask whose cloth is a swatch: what it was sewn into there, the swatch does not tell."""

_SEWN_FLAT = tuple(kind for kind, about in _KINDS.items() if about.shape == "flat")


def random_kind_style(rng: np.random.Generator, kind: str, wearing: Wearing = "covering") -> MaskStyle:
    """Draw a mask of one kind such as people wear; the generator decides everything else.

    Raises:
        ConfigError: no such kind.
    """
    if kind not in _KINDS:
        raise ConfigError(f"kind of mask: {kind!r} is not one of {list(KINDS)}")
    about = _KINDS[kind]
    if kind == "valve" and rng.random() < 0.4:  # folded respirators have valves, too, at the side of the crease
        about = _Kind(("ridge",), RESPIRATOR_RGB, _EAR, (24, 38), valves=("right", "left"))
    if wearing == "one_ear":  # whatever its shape, it hangs flat
        about = replace(about, shape="flat", bottom_mm=(112, 123))
    colour = vary(rng, about.colours_rgb[rng.integers(len(about.colours_rgb))])
    return MaskStyle(
        colour_rgb=colour,
        second_rgb=vary(rng, CLOTH_RGB[rng.integers(len(CLOTH_RGB))]),
        texture=about.textures[rng.integers(len(about.textures))],
        top_mm=float(rng.uniform(*about.top_mm)),
        bottom_mm=float(rng.uniform(*about.bottom_mm)),
        side_mm=float(rng.uniform(*about.side_mm)),
        reach_deg=float(rng.uniform(*about.reach_deg)),
        tilt_mm=float(np.clip(rng.normal(0, 1.5), -5, 5)),
        strap=about.straps[rng.integers(len(about.straps))],
        strap_rgb=_strap_colour(rng, colour, about),
        wrinkles=float(rng.uniform(*about.wrinkles)),
        seed=int(rng.integers(2**31)),
        wearing=wearing,
        shape=about.shape,
        valve=about.valves[rng.integers(len(about.valves))],
        side=get_args(Side)[rng.integers(2)],
        under_hair=wearing != "one_ear",  # beside the cheek all is hair
    )


def random_photographed_style(rng: np.random.Generator, wearing: Wearing = "covering") -> MaskStyle:
    """Draw a mask of photographed cloth, cut like a flat mask of any kind; the generator decides everything else."""
    like = random_kind_style(rng, _SEWN_FLAT[rng.integers(len(_SEWN_FLAT))], wearing)
    return replace(like, texture="photographed", valve="none")


def _strap_colour(rng: np.random.Generator, colour: tuple[int, int, int], about: _Kind) -> tuple[int, int, int]:
    if about.shape == "cup" and rng.random() < 0.4:
        return vary(rng, (214, 178, 70))  # the yellow rubber bands of many respirators
    return (235, 235, 235) if rng.random() < 0.6 else colour
