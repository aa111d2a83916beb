"""Write class folders: masked/NAME, incorrect/NAME, unmasked/NAME.

The folders are flat, since readers take folders inside them for people; groups and splits stand in tables beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from maskwise.data.schema import BOX
from maskwise.data.writing.companions import write_companions
from maskwise.data.writing.names import Names, stem_and_suffix
from maskwise.data.writing.pictures import Placer, write_png
from maskwise.data.writing.scenes import Scene, scenes_of
from maskwise.model.crops import CropSpec, cut_square, square_around
from maskwise.model.images import read_image

MARGIN = CropSpec().margin
"""Share of a box's longer side that a cut-out face has around it: what training cuts unless told otherwise."""


def write_classes(
    rows: pl.DataFrame, folder: Path, placer: Placer, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write a file for each row: the picture itself, or its face as PNG where the row has a box.

    Args:
        rows: without errors, with groups as `with_own_groups` leaves them.
        folder: of the data set.
        placer: places pictures in that folder.
        progress: called with (rows done, rows).

    Raises:
        ImageError: a picture that can no longer be read.
        OSError: a file cannot be written.
    """
    rows = _with_groups_of_pictures(rows).sort("source", "path", *BOX, "label", maintain_order=True)
    names, written = Names(), list[Scene]()
    for done, row in enumerate(rows.iter_rows(named=True), start=1):
        stem, suffix = stem_and_suffix(Path(row["path"]))
        name = names.unique(f"{row['label']}/{stem}")
        box = [row[side] for side in BOX]
        if None in box:
            name = placer.place(row["path"], name + suffix)
        else:
            name += ".png"
            _cut(row["path"], box, folder / name)
        written.append(_scene(row, name))
        if progress:
            progress(done, rows.height)
    write_companions(sorted(written, key=lambda scene: scene.name), folder)


def _scene(row: dict[str, Any], name: str) -> Scene:
    (scene,) = scenes_of(pl.DataFrame([row], infer_schema_length=None), {row["path"]: name})
    return scene


def _cut(path: str, box_xyxy: Sequence[float], target: Path) -> None:
    """Write a face as the square that `maskwise.model.crops` cuts, at its own size: resized later, it is the same."""
    image = read_image(Path(path))
    write_png(cut_square(image, *square_around(box_xyxy, MARGIN)), target)


def _with_groups_of_pictures(rows: pl.DataFrame) -> pl.DataFrame:
    """Faces of one picture become files of their own: a group keeps them on one side of a split."""
    names = Names(same=str)
    for group in rows["group"].drop_nulls().unique(maintain_order=True):
        names.unique(group)
    alone = rows.filter(pl.col("group").is_null() & pl.col("x_min").is_not_null())
    several = alone.group_by("path").len().filter(pl.col("len") > 1)["path"].sort()
    groups = {path: names.unique(stem_and_suffix(Path(path))[0]) for path in several}
    mine = pl.col("path").replace_strict(groups, default=None, return_dtype=pl.String)
    return rows.with_columns(group=pl.coalesce("group", pl.when(pl.col("x_min").is_not_null()).then(mine)))
