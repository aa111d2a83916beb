"""The manifest: one table with one row for each picture or face box, whatever format it came from.

A file that cannot be read keeps its row, with the reason in `error`: nothing is dropped silently.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.complete import complete
from maskwise.data.schema import BOX, SCHEMA, SPLITS
from maskwise.errors import DataError, LabelError
from maskwise.model.storage import written_whole
from maskwise.values import CLASSES, LABELS, NOT_A_FACE

__all__ = ["BOX", "SCHEMA", "SPLITS", "Manifest", "absolute", "boxes_of", "concat", "empty", "load"]


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
        """Labels that occur in usable rows, in the order of LABELS."""
        present = set(self.usable["label"].unique())
        return tuple(name for name in LABELS if name in present)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the labels that are classes of a model, in the order of CLASSES."""
        return tuple(name for name in self.labels if name in CLASSES)

    def part(self, split: str) -> Manifest:
        """The usable rows of one split."""
        return Manifest(self.usable.filter(pl.col("split") == split))

    def faces(self) -> Manifest:
        """The rows without those that are labelled as no face."""
        return Manifest(self.rows.filter(pl.col("label").ne_missing(NOT_A_FACE)))

    def fingerprint(self) -> str:
        """sha256 over contents, boxes and labels of the usable rows; independent of paths and row order."""
        lines = self.usable.select(
            pl.concat_str(["sha256", *BOX, "label"], separator=" ", ignore_nulls=True)
        ).to_series()
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(rows, 4) float32; nan where the whole picture is the face."""
        return boxes_of(self.rows)

    def save(self, path: Path) -> None:
        """Write parquet, or CSV where the name ends in .csv; complete or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        folder = path.resolve().parent
        rows = self.rows.with_columns(pl.Series("path", [_relative(p, folder) for p in self.rows["path"]], pl.String))
        with written_whole(path) as partial:
            if path.suffix.lower() == ".csv":
                rows.write_csv(partial)
            else:
                rows.write_parquet(partial)


def boxes_of(rows: pl.DataFrame) -> NDArray[np.float32]:
    """(rows, 4) float32 of any table with the columns of BOX; nan where the whole picture is the face."""
    return rows.select(BOX).fill_null(float("nan")).to_numpy().astype(np.float32).reshape(-1, 4)


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


def load(path: Path, *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Read a manifest that maskwise saved or that somebody wrote by hand.

    Only the columns `path` and `label` are needed. Paths are seen from the manifest's folder. Empty sizes and hashes
    are filled in by reading the pictures; a row that cannot be used keeps its place and gets its reason.

    Args:
        path: a .csv file, or parquet.
        cache: folder of the cache for what is read; None keeps none.
        progress: called with (pictures read, pictures to read).

    Raises:
        DataError: the file cannot be read, has no rows, lacks a column or has one that is not known.
        LabelError: a label that is not one of LABELS.
    """
    table = _cast(_read_table(path), path)
    folder = path.resolve().parent
    rows = table.with_columns(pl.Series("path", [absolute(p, folder) for p in table["path"]], pl.String))
    if "source" not in rows.columns:
        rows = rows.with_columns(source=pl.lit(path.stem))
    if "error" not in rows.columns:
        rows = rows.with_columns(error=pl.lit(None, pl.String))
    no_label = pl.when(pl.col("label").is_null()).then(pl.lit("the label is empty; name one of " + ", ".join(LABELS)))
    rows = rows.with_columns(error=pl.coalesce("error", no_label))
    return Manifest(complete(rows, cache=cache, progress=progress))


def _read_table(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:  # polars reports a missing file in its own way; this says it in ours
            if path.suffix.lower() == ".csv":
                return pl.read_csv(file, infer_schema=False)
            return pl.read_parquet(file)
    except OSError as error:
        raise DataError(f"cannot read the manifest {path}: {error.strerror or error}; check the path") from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a manifest: {str(error).splitlines()[0]}; give a parquet or CSV (UTF-8) table with the "
            "columns path and label"
        ) from error


def _cast(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Give the columns their types; refuse what is not known."""
    for name in table.columns:
        if name not in SCHEMA:
            near = get_close_matches(name.lower(), SCHEMA.names(), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(f"{path}: unknown column {name!r}; {hint}Known: {', '.join(SCHEMA)}. Rename or remove it")
    for name in ("path", "label"):
        if name not in table.columns:
            raise DataError(f"{path}: the column {name!r} is missing; a manifest needs path and label")
    if not table.height:
        raise DataError(f"{path}: has no rows; write one row for each picture or face box")
    typed = table.with_columns(_cast_column(table[name], SCHEMA[name], path) for name in table.columns)
    if typed["path"].null_count():
        raise DataError(f"{path}: {typed['path'].null_count()} rows have no path; fill them in or remove the rows")
    _check_words(typed, path)
    return typed


def _cast_column(column: pl.Series, dtype: pl.DataType, path: Path) -> pl.Series:
    typed = column.cast(dtype, strict=False)
    failed = (typed.is_null() & column.is_not_null()).arg_true()
    if len(failed):
        row = failed[0]
        raise DataError(
            f"{path}: row {row + 1}, column {column.name!r}: {column[row]!r} is not a {dtype}; "
            "correct it or leave it empty"
        )
    return typed


def _check_words(table: pl.DataFrame, path: Path) -> None:
    for label in sorted(set(table["label"].drop_nulls()) - set(LABELS)):
        raise LabelError(f"{path}: label {label!r} is not one of {', '.join(LABELS)}; rename it in the table")
    if "split" in table.columns:
        for split in sorted(set(table["split"].drop_nulls()) - set(SPLITS)):
            raise DataError(f"{path}: split {split!r} is not one of {', '.join(SPLITS)}; rename it or leave it empty")
