"""What a format finds in a folder before any picture is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from maskwise.data.formats.labels import normal
from maskwise.data.schema import BOX, SCHEMA

_SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip


class Row(NamedTuple):
    """One picture, or one face box of it.

    box: x_min, y_min, x_max, y_max in pixels, or as shares of width and height where the format says so.
    said_size: width and height in pixels as the annotation tells them, else None.
    kind, provenance, origin: see SCHEMA.
    """

    path: Path
    label: str | None
    box: tuple[float, float, float, float] | None = None
    group: str | None = None
    split: str | None = None
    error: str | None = None
    said_size: tuple[int, int] | None = None
    kind: str | None = None
    provenance: str | None = None
    origin: str | None = None


@dataclass
class Found:
    """Rows, and what has to be told about what is not among them."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def split_name(name: str) -> str | None:
    """train, validation or test, however it is spelled; None for any other name."""
    return _SPLIT_NAMES.get(normal(name))


def split_in(name: str) -> str | None:
    """The split that a word of a file's name tells, as in instances_val2017 or train_labels; else None."""
    return next(filter(None, map(split_name, re.split(r"[^a-z]+", name.lower()))), None)


def table(rows: list[Row], source: str) -> pl.DataFrame:
    """Rows as columns of SCHEMA, with said_width and said_height beside them; sorted by path, box and label.

    Boxes are Float64 until `as_stored`: a share in Float32 would be a thousandth of a pixel off.
    """
    sides = list(zip(*((row.box or (None,) * 4) for row in rows), strict=True)) or [()] * 4
    data = {
        "path": [str(row.path) for row in rows],
        **dict(zip(BOX, sides, strict=True)),
        "label": [row.label for row in rows],
        "group": [row.group for row in rows],
        "source": [source] * len(rows),
        "split": [row.split for row in rows],
        "kind": [row.kind for row in rows],
        "provenance": [row.provenance for row in rows],
        "origin": [row.origin for row in rows],
        "error": [row.error for row in rows],
        "said_width": [row.said_size[0] if row.said_size else None for row in rows],
        "said_height": [row.said_size[1] if row.said_size else None for row in rows],
    }
    types = {**SCHEMA, **dict.fromkeys(BOX, pl.Float64()), "said_width": pl.Int64(), "said_height": pl.Int64()}
    frame = pl.DataFrame({name: pl.Series(name, values, types[name]) for name, values in data.items()})
    return frame.sort("path", *BOX, "label", maintain_order=True)


def as_stored(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the boxes, now in pixels, the type that SCHEMA has for them."""
    return rows.with_columns(pl.col(name).cast(SCHEMA[name]) for name in BOX)
