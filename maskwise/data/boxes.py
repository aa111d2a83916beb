"""Find the face in pictures that come without a box, so that training cuts what inference will cut."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import BOX, Manifest
from maskwise.errors import ImageError
from maskwise.model.faces import FaceDetector
from maskwise.model.images import read_image
from maskwise.values import Faces

NO_FACE = "no face found"


def add_boxes(manifest: Manifest, detect: FaceDetector, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Give every usable row without a box the box of the largest face in its picture.

    A picture in which no face is found keeps its row, with that as its error: evaluation counts it as not found.
    """
    rows = manifest.rows.with_row_index("row")
    todo = rows.filter(pl.col("error").is_null() & pl.col("x_min").is_null())
    found: list[NDArray[np.float32] | str] = []
    with ThreadPoolExecutor() as pool:
        for box in pool.map(lambda path: _largest_face(path, detect), todo["path"]):
            found.append(box)
            if progress:
                progress(len(found), len(todo))
    return Manifest(_with_boxes(rows, todo["row"], found))


def _largest_face(path: str, detect: FaceDetector) -> NDArray[np.float32] | str:
    try:
        faces: Faces = detect(read_image(Path(path)))
    except ImageError as error:
        return str(error)
    if not len(faces):
        return NO_FACE
    sides = faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]
    return np.asarray(faces.boxes_xyxy[int(sides.prod(axis=1).argmax())], np.float32)


def _with_boxes(rows: pl.DataFrame, index: pl.Series, found: list[NDArray[np.float32] | str]) -> pl.DataFrame:
    new = pl.DataFrame(
        {
            "row": index,
            **{
                f"{name}_new": pl.Series([None if isinstance(f, str) else float(f[i]) for f in found], dtype=pl.Float32)
                for i, name in enumerate(BOX)
            },
            "error_new": pl.Series([f if isinstance(f, str) else None for f in found], dtype=pl.String),
        }
    )
    merged = rows.join(new, on="row", how="left", maintain_order="left").with_columns(
        pl.coalesce(name, f"{name}_new").alias(name) for name in (*BOX, "error")
    )
    return merged.select(rows.columns[1:])
