"""What a random split hides: the embedded faces, arranged as the study's data was, with each person in one class only.

Half of the people are always masked, the other half never, so that a network may learn who wears a mask instead of what
a mask is. The same people with the classes exchanged tell which it learnt. The split decides whether anybody notices.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from benchmarks.table import Row
from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.training import recipe as recipes
from maskwise.training.measure import measure_artifact
from maskwise.training.run import train


def measure() -> list[Row]:
    """One row for each split."""
    with tempfile.TemporaryDirectory() as folder:
        rows = read_dataset(build_demo_dataset(Path(folder) / "data")).rows
        always = pl.col("group") <= "s20"
        studied = Manifest(rows.filter((pl.col("label") == "masked") == always))
        exchanged = Manifest(rows.filter((pl.col("label") == "masked") != always))
        return [_row(by, studied, exchanged, Path(folder)) for by in ("random", "group")]


def _row(by: str, studied: Manifest, exchanged: Manifest, folder: Path) -> Row:
    # No augmentation and no best epoch, as in the study; otherwise the demo's recipe, which suits so few pictures.
    plain = {f"augment.{name}": 0.0 for name in ("light", "colour", "shift", "zoom")} | {"augment.flip": False}
    recipe = recipes.load(
        "demo", plain | {"split.by": by, "split.validation": 0.25, "split.test": 0.0, "keep": "last", "faces": "whole"}
    )
    artifact = train(lambda: studied, recipe, folder / by)
    own = read_dataset(folder / by / "manifest.parquet")
    row: Row = {"split": by}
    for name, report in (
        ("held_out", measure_artifact(artifact, own, split="validation").to_json()),
        ("exchanged", measure_artifact(artifact, exchanged).to_json()),
    ):
        row[f"{name}_n"] = report["n"]
        row |= {f"{name}_{part}": round(report["accuracy"][part], 4) for part in ("value", "low", "high")}
    return row
