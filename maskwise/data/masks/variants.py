"""What is made of one bare face: masks drawn at random, the stress grid, hard negatives, and the bare face itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from maskwise.data.masks.grid import GRID, Cell
from maskwise.data.masks.kinds import KINDS, PHOTOGRAPHED, random_kind_style, random_photographed_style
from maskwise.data.masks.negatives import NEGATIVES, draw_negative
from maskwise.data.masks.render import draw_mask
from maskwise.data.masks.sitter import Sitter
from maskwise.data.masks.style import WEARINGS, MaskStyle, Wearing, wearing_label
from maskwise.errors import ConfigError
from maskwise.values import UNMASKED, Image

BARE = "bare"
SEEN = 0.06
"""Share of the face's box that has to change visibly for a mask beside or above the face to count as worn."""


def _plain(value: object) -> str | float | None:
    """A value as it stands in a table: colours as #rrggbb."""
    if isinstance(value, tuple):
        return "#" + "".join(f"{part:02x}" for part in value)
    return value if isinstance(value, float | int | str | None) else str(value)


@dataclass(frozen=True, slots=True)
class Variant:
    """One picture to make of a face.

    kind: of mask or hard negative, `photographed`, or `bare`.
    label: its class.
    style: the mask; None where there is none.
    cell: of the grid, where it comes from there.
    seed: of a hard negative.
    swatch: which of the swatches it is made of, where the cloth is photographed.
    """

    kind: str
    label: str
    style: MaskStyle | None = None
    cell: Cell | None = None
    seed: int = 0
    swatch: str | None = None

    @property
    def name(self) -> str:
        """In few words, fit for a file name."""
        if self.cell:
            return self.cell.name
        return f"{self.kind}-{self.style.wearing}" if self.style else self.kind

    def parameters(self) -> dict[str, str | float | None]:
        """How it is drawn, one value for each column of a table; the columns are the same for all variants."""
        cell = {name: getattr(self.cell, name, None) for name in ("shape", "height", "colour")}
        style = {f.name: _plain(getattr(self.style, f.name, None)) for f in fields(MaskStyle)}
        seed = self.seed if self.style is None else style["seed"]
        known = {"kind": self.kind, "label": self.label, "cell": self.cell.name if self.cell else None}
        known |= {"swatch": self.swatch}
        return known | {f"cell_{name}": value for name, value in cell.items()} | style | {"seed": seed}


@dataclass(frozen=True, slots=True)
class Mix:
    """Which pictures to make of each face.

    kinds: of masks, some of KINDS.
    wearings: ways to wear them, some of WEARINGS.
    negatives: hard negatives, some of NEGATIVES.
    each: so many pictures of each face; ways of wearing and negatives take turns, kinds are drawn.
    grid: every cell of the grid instead, for each face.
    bare: the bare face as well, read and written by the same steps.
    photographed: share of the masks whose cloth is cut from masked faces; none with the grid.
    """

    kinds: tuple[str, ...] = KINDS
    wearings: tuple[Wearing, ...] = ("covering",)
    negatives: tuple[str, ...] = ()
    each: int = 1
    grid: bool = False
    bare: bool = False
    photographed: float = 0.0

    def __post_init__(self) -> None:
        for flag, given, known in (
            ("kinds", self.kinds, KINDS),
            ("wearing", self.wearings, WEARINGS),
            ("negatives", self.negatives, NEGATIVES),
        ):
            for name in given:
                if name not in known:
                    raise ConfigError(f"--{flag}: {name!r} is not one of {', '.join(known)}")
        if self.each < 1:
            raise ConfigError(f"--each {self.each}: at least one picture of each face, or leave it out")
        if not 0 <= self.photographed <= 1:
            raise ConfigError(f"--photographed {self.photographed}: a share of the masks, from 0 to 1")
        if self.photographed and self.grid:
            raise ConfigError("--photographed: the grid's cells say what their cloth is; leave out one of the two")
        if not self.grid and not self.negatives and not (self.kinds and self.wearings):
            raise ConfigError("nothing to draw: name kinds of masks and ways to wear them, or hard negatives")

    def variants(self, rng: np.random.Generator, swatches: Sequence[str] = ()) -> Iterator[Variant]:
        """The pictures to make of one face, with some of the swatches; the generator decides what is left open."""
        if self.bare:
            yield Variant(BARE, UNMASKED)
        if self.grid:
            yield from (Variant(cell.shape, cell.label, cell.style, cell) for cell in GRID)
            return
        ways = [*(self.wearings if self.kinds else ()), *self.negatives]
        start = int(rng.integers(len(ways)))  # with fewer pictures than ways, each face gets others
        for i in range(self.each):
            yield self._variant(ways[(start + i) % len(ways)], rng, swatches)

    def _variant(self, way: str, rng: np.random.Generator, swatches: Sequence[str]) -> Variant:
        if way in NEGATIVES:
            return Variant(way, UNMASKED, seed=int(rng.integers(2**31)))
        wearing: Wearing = next(w for w in WEARINGS if w == way)
        if swatches and rng.random() < self.photographed:
            style = random_photographed_style(rng, wearing)
            return Variant(
                PHOTOGRAPHED, wearing_label(wearing), style, swatch=swatches[int(rng.integers(len(swatches)))]
            )
        kind = self.kinds[rng.integers(len(self.kinds))]
        return Variant(kind, wearing_label(wearing), random_kind_style(rng, kind, wearing))


def draw(sitter: Sitter, variant: Variant, swatch: Image | None = None) -> Image | None:
    """The picture; None where a mask that should be worn wrongly can hardly be seen, so that its label would lie.

    Args:
        sitter: the face.
        variant: what to draw on it.
        swatch: the variant's cloth, where that is photographed.
    """
    if variant.style is None:
        return sitter.image if variant.kind == BARE else draw_negative(sitter, variant.kind, variant.seed)
    picture = draw_mask(sitter, variant.style, swatch)
    return picture if variant.style.wearing in ("covering", "nose_out") or _seen(sitter, picture) else None


def _seen(sitter: Sitter, picture: Image) -> bool:
    left, top, right, bottom = sitter.box_xyxy.tolist()
    changed = np.count_nonzero(cv2.absdiff(sitter.image, picture).max(axis=2) > 20)
    return bool(changed > SEEN * (right - left) * (bottom - top))
