"""The stress grid: nine shapes x three heights x four colours, the same cells for every face.

After the synthetic masks of NIST's face recognition tests (NISTIR 8311, "Ongoing Face Recognition Vendor Test (FRVT)
Part 6A: Face recognition accuracy with masks using pre-COVID-19 algorithms", Ngan, Grother and Hanaoka, July 2020),
which vary shape, colour and how much of the nose is covered. Shapes and measures here are our own. Error by cell tells
what a model has not learnt; an average over all cells hides it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from types import MappingProxyType

from maskwise.data.masks.style import MaskStyle, wearing_label

SHAPES = MappingProxyType(
    {
        "wide": MaskStyle(texture="pleated", side_mm=58, reach_deg=78, bottom_mm=121),
        "round": MaskStyle(texture="plain", side_mm=34, reach_deg=60, bottom_mm=110, seed=3),
        "narrow": MaskStyle(texture="pleated", side_mm=44, reach_deg=54, bottom_mm=116),
        "long": MaskStyle(texture="plain", side_mm=66, reach_deg=74, bottom_mm=125),
        "folded": MaskStyle(texture="ridge", side_mm=30, reach_deg=70, bottom_mm=120, wrinkles=0.2),
        "duckbill": MaskStyle(texture="plain", side_mm=26, reach_deg=64, shape="duckbill", strap="head", wrinkles=0.2),
        "moulded": MaskStyle(texture="moulded", side_mm=16, reach_deg=62, bottom_mm=114, shape="cup", strap="head"),
        "valved": MaskStyle(
            texture="moulded", side_mm=16, reach_deg=62, bottom_mm=114, shape="cup", strap="head", valve="middle"
        ),
        "gaiter": MaskStyle(texture="draped", reach_deg=88, bottom_mm=165, shape="tube", strap="none"),
    }
)
HEIGHTS_MM = MappingProxyType({"high": 5.0, "medium": 22.0, "low": 15.0})
"""Upper edge over the nose; `low` lies below the nostrils, so that the nose is out and the label `incorrect`."""

COLOURS_RGB = MappingProxyType(
    {"lightblue": (150, 196, 224), "white": (238, 238, 236), "black": (26, 26, 29), "red": (188, 38, 44)}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid.

    shape, height, colour: names in SHAPES, HEIGHTS_MM and COLOURS_RGB.
    style: the mask.
    """

    shape: str
    height: str
    colour: str
    style: MaskStyle

    @property
    def name(self) -> str:
        """As it stands in tables and file names: `moulded-low-red`."""
        return f"{self.shape}-{self.height}-{self.colour}"

    @property
    def label(self) -> str:
        """The class of a face that wears this mask."""
        return wearing_label(self.style.wearing)


def _cell(shape: str, height: str, colour: str) -> Cell:
    style = replace(
        SHAPES[shape],
        top_mm=HEIGHTS_MM[height],
        wearing="nose_out" if height == "low" else "covering",
        colour_rgb=COLOURS_RGB[colour],
        seed=zlib.crc32(shape.encode()),  # the folds belong to the shape: cells of one shape differ in one thing only
        under_hair=True,
    )
    return Cell(shape, height, colour, style)


GRID: tuple[Cell, ...] = tuple(
    _cell(shape, height, colour) for shape in SHAPES for height in HEIGHTS_MM for colour in COLOURS_RGB
)
"""Every cell, in a fixed order."""
