"""Several data sets in one folder, each with its part to play: trained on, tested on, or divided as it says itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from maskwise.data import manifest as manifests
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.errors import ConfigError
from maskwise.values import LABELS


@dataclass(frozen=True, slots=True)
class Source:
    """What one data set of a collection is for.

    split: `train`, `validation` or `test` for all of it; `given` tests on whatever the set itself keeps out of its
        training split. A set that is not trained on is what thresholds should be chosen on: it is unlike the others.
    test_half: test on half of its pictures, whatever `split` says of the rest: those whose sha256 begins with an even
        digit, which are the same ones whatever else there is, and copies on one side.
    label: the class of all its pictures, or `not_a_face`; null reads the classes from its layout.
    """

    split: Literal["train", "validation", "test", "given"] = "train"
    label: str | None = None
    test_half: bool = False

    def __post_init__(self) -> None:
        if self.label is not None and self.label not in LABELS:
            raise ConfigError(f"sources: label {self.label!r} is not a class; use one of {', '.join(LABELS)}")


def is_collection(folder: Path, sources: Mapping[str, Source]) -> bool:
    """Whether a folder holds any of the data sets."""
    return any((folder / name).is_dir() for name in sources)


def read_collection(
    folder: Path,
    sources: Mapping[str, Source],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Manifest:
    """Read every data set that is there; rows to validate or test on have that split, the others none.

    Args:
        folder: holds the data sets, each in a folder of its name.
        sources: their names, as paths below the folder, and what they are for.
        cache: see `maskwise.data.formats.read_dataset`.
        progress: likewise.
        say: hears a line about whatever was left out, also of each data set that is not there.

    Raises:
        DataError: a data set cannot be read.
    """
    parts = []
    for name, source in sources.items():
        if (folder / name).is_dir():
            manifest = read_dataset(
                folder / name, source=name, label=source.label, cache=cache, progress=progress, say=say
            )
            parts.append(Manifest(manifest.rows.with_columns(split=_sides(source))))
        elif say:
            say(f"{name}: not in {folder}, left out")
    return manifests.concat(parts)


def _sides(source: Source) -> pl.Expr:
    sides = {
        "train": pl.lit(None, pl.String),
        "given": pl.when(pl.col("split").is_in(["validation", "test"])).then(pl.lit("test")),
    }
    side = sides.get(source.split, pl.lit(source.split))
    half = pl.col("sha256").str.head(1).is_in(list("02468ace")) & source.test_half
    return pl.when(half).then(pl.lit("test")).otherwise(side)
