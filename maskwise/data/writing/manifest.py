"""Write maskwise's own table beside its pictures: manifest.csv and images/NAME. Nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from maskwise.data.manifest import Manifest

PICTURES = "images"


def write_manifest(manifest: Manifest, names: Mapping[str, str], turned: Mapping[str, str], folder: Path) -> None:
    """Write manifest.csv with every row; one that cannot be used still names its picture where that was.

    Args:
        manifest: what is written.
        names: by path, what each picture is called in the folder of pictures; a row whose path is not among them keeps
            it.
        turned: by path, the sha256 of each picture that was written anew.
        folder: of the data set.

    Raises:
        StorageError: it cannot be written.
    """
    home, usable = folder.resolve() / PICTURES, pl.col("error").is_null()
    paths = {path: str(home / name) for path, name in names.items()}
    rows = manifest.rows.with_columns(
        path=pl.when(usable).then(pl.col("path").replace(paths)).otherwise(pl.col("path")),
        sha256=pl.coalesce(
            pl.col("path").replace_strict(turned, default=None, return_dtype=pl.String), pl.col("sha256")
        ),
    )
    Manifest(rows).save(folder / "manifest.csv")
