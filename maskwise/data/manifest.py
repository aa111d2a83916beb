"""The manifest: one table with one row for each picture or face box, whatever format it came from.

A file that cannot be read keeps its row, with the reason in `error`: nothing is dropped silently.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.errors import DataError, StorageError
from maskwise.values import CLASSES

SCHEMA = pl.Schema(
    {
        "path": pl.String,  # absolute in memory; relative to the manifest's folder on disk, where it lies below it
        "x_min": pl.Float32,  # box in pixels of the upright picture; all four null: the whole picture is the face
        "y_min": pl.Float32,
        "x_max": pl.Float32,
        "y_max": pl.Float32,
        "label": pl.String,  # one of CLASSES
        "group": pl.String,  # person or scene, unique within its source; null where not known
        "source": pl.String,  # data set
        "width": pl.Int32,  # pixels after EXIF rotation
        "height": pl.Int32,
        "sha256": pl.String,  # of the file's bytes
        "split": pl.String,  # train, validation, test; null before splitting
        "error": pl.String,  # why the row cannot be used, else null
    }
)
BOX = ("x_min", "y_min", "x_max", "y_max")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """A data set. rows: a table of SCHEMA."""

    rows: pl.DataFrame

    def __post_init__(self) -> None:
        if self.rows.schema != SCHEMA:
            raise DataError(f"manifest: expected the columns {SCHEMA}, got {self.rows.schema}")

    @property
    def usable(self) -> pl.DataFrame:
        """Rows that can be trained and tested on."""
        return self.rows.filter(pl.col("error").is_null())

    @property
    def unusable(self) -> pl.DataFrame:
        """Rows that cannot, each with its reason in `error`."""
        return self.rows.filter(pl.col("error").is_not_null())

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that occur in usable rows, in the order of CLASSES."""
        present = set(self.usable["label"].unique())
        return tuple(name for name in CLASSES if name in present)

    def part(self, split: str) -> Manifest:
        """The usable rows of one split."""
        return Manifest(self.usable.filter(pl.col("split") == split))

    def fingerprint(self) -> str:
        """sha256 over contents, boxes and labels of the usable rows; independent of paths and row order."""
        lines = self.usable.select(pl.concat_str(["sha256", *BOX, "label"], separator=" ", ignore_nulls=True)).to_series()
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(rows, 4) float32; nan where the whole picture is the face."""
        return self.rows.select(BOX).fill_null(float("nan")).to_numpy().astype(np.float32).reshape(-1, 4)

    def save(self, path: Path) -> None:
        """Write parquet, or CSV where the name ends in .csv; complete or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        folder = path.resolve().parent
        rows = self.rows.with_columns(pl.Series("path", [_relative(p, folder) for p in self.rows["path"]], pl.String))
        partial = path.with_name(path.name + ".partial")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".csv":
                rows.write_csv(partial)
            else:
                rows.write_parquet(partial)
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageError(f"cannot write the manifest {path}: {error.strerror or error}") from error


def _relative(path: str, folder: Path) -> str:
    inside = Path(path).is_relative_to(folder)
    return str(Path(path).relative_to(folder)) if inside else path


def empty() -> Manifest:
    """A manifest with no rows."""
    return Manifest(pl.DataFrame(schema=SCHEMA))


def concat(manifests: list[Manifest]) -> Manifest:
    """Several data sets as one."""
    return Manifest(pl.concat([m.rows for m in manifests])) if manifests else empty()


def absolute(path: str, folder: Path) -> str:
    """A manifest's path entry, seen from the folder in which the manifest lies."""
    return os.path.normpath(folder / path)
