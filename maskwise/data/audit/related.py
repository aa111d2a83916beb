"""Every pair of pictures that may not stand on two sides of a split: copies, near-duplicates, scenes."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from maskwise.data.audit.scenes import find_scenes
from maskwise.data.audit.shelf import Shelf
from maskwise.data.audit.twins import TWIN, find_twins
from maskwise.data.manifest import Manifest
from maskwise.data.together import copies, pairs_of

Hear = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


def related(manifest: Manifest, shelf: Shelf, hear: Hear) -> pl.DataFrame:
    """A table of `maskwise.data.together.PAIRS`.

    Args:
        manifest: the data.
        shelf: what was seen of its pictures.
        hear: hears how far it is.
    """
    alike = find_twins(shelf.pictures["grey"], lambda done, total: hear("comparing near-duplicates", done, total))
    scenes = find_scenes(shelf, lambda done, total: hear("comparing scenes", done, total))
    one = pl.col("similarity") >= TWIN
    moments = pl.concat([alike.filter(~one).select("a", "b"), scenes.select("a", "b")]).unique(maintain_order=True)
    return pl.concat([copies(manifest), pairs_of(shelf.table, alike.filter(one), moments)])
