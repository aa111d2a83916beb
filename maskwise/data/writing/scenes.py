"""What writers are given: pictures with their faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from maskwise.data.schema import BOX
from maskwise.data.writing.names import Names


class Face(NamedTuple):
    """One row of a manifest.

    box_xyxy: corners in pixels of the upright picture, as float32 has them; None: the whole picture is the face.
    group, split, kind, provenance, origin: see SCHEMA; a group is unique in the whole data set.
    """

    label: str
    box_xyxy: tuple[float, float, float, float] | None
    group: str | None
    split: str | None
    kind: str | None
    provenance: str | None
    origin: str | None


class Scene(NamedTuple):
    """One picture.

    name: path inside the folder of pictures, with slashes; or the absolute path of one that lies elsewhere.
    width, height: pixels, upright.
    source: the data set that it came from.
    """

    name: str
    width: int
    height: int
    source: str
    faces: tuple[Face, ...]

    def box_of(self, face: Face) -> tuple[float, float, float, float]:
        """The face's box; that of the whole picture where it has none."""
        return face.box_xyxy or (0.0, 0.0, float(self.width), float(self.height))


def scenes_of(rows: pl.DataFrame, names: Mapping[str, str]) -> list[Scene]:
    """Usable rows of a manifest as pictures with faces, by name.

    Args:
        rows: without errors, with groups as `with_own_groups` leaves them.
        names: of each path.
    """
    faces: dict[str, list[Face]] = {}
    pictures: dict[str, tuple[int, int, str]] = {}
    for row in rows.sort("path", *BOX, "label", maintain_order=True).iter_rows(named=True):
        box = tuple(row[side] for side in BOX)
        words = (row[word] or None for word in ("group", "split", "kind", "provenance", "origin"))
        faces.setdefault(row["path"], []).append(Face(row["label"], None if None in box else box, *words))
        pictures.setdefault(row["path"], (row["width"], row["height"], row["source"] or ""))
    scenes = [Scene(names[path], *pictures[path], tuple(found)) for path, found in faces.items()]
    return sorted(scenes, key=lambda scene: scene.name)


def with_own_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """Rename groups so that sources can become one: a group is unique within its source only.

    The spaces around a name go, since tables do not keep them.
    """
    several, names = rows["source"].n_unique() > 1, Names(same=str)
    pairs = rows.select("source", "group").filter(pl.col("group").is_not_null()).unique().rows()
    known: dict[tuple[str | None, str], str] = {}
    for source, group in sorted(pairs, key=lambda pair: (pair[0] or "", pair[1])):
        known[source, group] = names.unique((f"{source or 'data'}/{group}" if several else group).strip() or "group")
    new = [known.get(pair) for pair in rows.select("source", "group").iter_rows()]
    return rows.with_columns(pl.Series("group", new, pl.String))


def decimal(value: float) -> str:
    """The shortest decimal that reads back as the same number, never with an exponent."""
    return np.format_float_positional(value, unique=True, trim="-")


def decimal_float32(value: float) -> str:
    """As `decimal`, of a number that came from a float32: it has half the digits."""
    return np.format_float_positional(np.float32(value), unique=True, trim="-")
