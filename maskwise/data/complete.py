"""Fill in what a row leaves open by reading its picture, and give every row that cannot be used its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from maskwise.data.reading import Facts, read_facts
from maskwise.data.schema import BOX, SCHEMA

OVERHANG_PX = 2.0
"""A box that leaves its picture by this much was rounded; it is clipped. One that leaves it further is wrong."""

_FACTS = ("width", "height", "sha256")


def complete(
    rows: pl.DataFrame, *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> pl.DataFrame:
    """Rows with at least a path become rows of SCHEMA, in the same order; none is left out.

    Args:
        rows: absolute paths, and any other columns of SCHEMA with its types.
        cache: see `read_facts`.
        progress: called with (pictures read, pictures to read).
    """
    return check_boxes(read_pictures(rows, cache=cache, progress=progress))


def read_pictures(
    rows: pl.DataFrame, *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> pl.DataFrame:
    """Fill in size and hash; the columns are those of SCHEMA and whatever else the rows have.

    Each picture is read once, however many rows it has; one whose rows already say all is only looked for.
    """
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items() if name not in rows.columns]
    rows = rows.with_columns(missing)
    usable = rows.filter(pl.col("error").is_null())
    is_open = pl.any_horizontal(pl.col(name).is_null() for name in _FACTS) | (pl.min_horizontal("width", "height") < 1)
    to_read = usable.filter(is_open)["path"].unique(maintain_order=True).to_list()
    gone = [path for path in usable.filter(~is_open)["path"].unique(maintain_order=True) if not _exists(path)]
    facts = read_facts(to_read, cache=cache, progress=progress)
    facts += [Facts("", 0, 0, "the file is missing; check the path") for _ in gone]
    return _join(rows, [*to_read, *gone], facts)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _join(rows: pl.DataFrame, paths: list[str], facts: list[Facts]) -> pl.DataFrame:
    new = pl.DataFrame(
        {
            "path": pl.Series(paths, dtype=pl.String),
            "width_new": pl.Series([f.width or None for f in facts], dtype=pl.Int32),
            "height_new": pl.Series([f.height or None for f in facts], dtype=pl.Int32),
            "sha256_new": pl.Series([f.sha256 or None for f in facts], dtype=pl.String),
            "error_new": pl.Series([f.error for f in facts], dtype=pl.String),
        }
    )
    joined = rows.join(new, on="path", how="left", maintain_order="left")
    read = pl.coalesce  # what the file says beats what the table says; what is not read keeps the table's word
    return joined.with_columns(
        *(read(f"{name}_new", name).alias(name) for name in _FACTS), read("error", "error_new").alias("error")
    ).select(rows.columns)


def check_boxes(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows whose box cannot be one their reason, and clip what was only rounded; leaves the columns of SCHEMA."""
    x_min, y_min, x_max, y_max = (pl.col(name) for name in BOX)
    width, height = pl.col("width"), pl.col("height")
    given = pl.sum_horizontal(pl.col(name).is_not_null() for name in BOX)
    flat = ~pl.all_horizontal(pl.col(name).is_finite() for name in BOX) | (x_max <= x_min) | (y_max <= y_min)
    outside = pl.any_horizontal(
        x_min < -OVERHANG_PX, y_min < -OVERHANG_PX, x_max > width + OVERHANG_PX, y_max > height + OVERHANG_PX,
        x_min >= width, y_min >= height, x_max <= 0, y_max <= 0,
    )  # fmt: skip
    box = pl.concat_str(pl.concat_list(BOX).list.eval(pl.element().cast(pl.String).fill_null("empty")).list.join(", "))
    reason = (
        pl.when(given == 0)
        .then(None)
        .when(given < len(BOX))
        .then(pl.format("the box ({}) has empty sides; give all four or none", box))
        .when(flat)
        .then(pl.format("the box ({}) has no area; x_max and y_max must be larger than x_min and y_min", box))
        .when(outside)
        .then(
            pl.format("the box ({}) leaves the picture of {} x {} pixels; correct the annotation", box, width, height)
        )
    )
    checked = rows.with_columns(error=pl.coalesce("error", reason))
    sound = pl.col("error").is_null()
    sides = {"x_min": width, "x_max": width, "y_min": height, "y_max": height}
    clipped = checked.with_columns(
        pl.when(sound).then(pl.col(name).clip(0, side.cast(pl.Float32))).otherwise(pl.col(name)).alias(name)
        for name, side in sides.items()
    )
    return clipped.select(SCHEMA.names())
