"""What is easily taken for a mask and is none: a hand over the mouth, a beard, a cup. Their label is `unmasked`.

Drawn like the masks: no pictures, the light of the face, the same seed gives the same pixels. A hand is drawn in the
skin's own colour; it has fingers, gaps and nails, and yet it is the least believable of all that is drawn here.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from maskwise.data.masks.negatives.beard import draw_beard
from maskwise.data.masks.negatives.cup import draw_cup
from maskwise.data.masks.negatives.hand import draw_hand
from maskwise.data.masks.sitter import Sitter
from maskwise.errors import ConfigError
from maskwise.values import Image

_DRAW: MappingProxyType[str, Callable[[Sitter, int], Image]] = MappingProxyType(
    {"hand": draw_hand, "beard": draw_beard, "cup": draw_cup}
)
NEGATIVES = tuple(_DRAW)
"""Everything that can be drawn instead of a mask."""


def draw_negative(sitter: Sitter, kind: str, seed: int) -> Image:
    """The sitter's picture with a hand, beard or cup; unchanged where the mouth lies outside it.

    Raises:
        ConfigError: no such kind.
    """
    if kind not in _DRAW:
        raise ConfigError(f"hard negative: {kind!r} is not one of {list(NEGATIVES)}")
    return _DRAW[kind](sitter, seed)
