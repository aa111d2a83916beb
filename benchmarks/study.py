"""The study's recipe on real pictures: what the split says, and what other pictures say.

Each row is one network, trained for the study's four epochs, and one set of faces that it was measured on. Runs lie in
runs/study/ and are not trained again; without them this takes about an hour on two cores. Needs the development pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.table import Row
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.data.reading import default_cache
from maskwise.training import recipe as recipes
from maskwise.training.measure import measure_artifact
from maskwise.training.run import train

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES, RUNS = REPOSITORY.parent / "shared" / "data", REPOSITORY / "runs" / "study"
ELSEWHERE = ("macwin", "jolignier", "jang12k", "chandrika")
MIN_FACE_PX = 24


def measure() -> list[Row]:
    """Rows of (trained on, split, measured on) with accuracy and its interval."""
    if not PICTURES.is_dir():
        return [{"skipped": "no development pictures"}]
    pairs = (("jang12k", "random"), ("chandrika", "random"), ("jolignier", "random"), ("jolignier", "grouped"))
    return [row for name, by in pairs for row in _rows(name, by)]


def _rows(name: str, by: str) -> list[Row]:
    run = RUNS / f"{name}-{by}"
    if not (run / "artifact" / "model.json").exists():
        recipe = recipes.load("study", {"split.by": by, "split.validation": 1000})
        train(lambda: read_dataset(PICTURES / name, cache=default_cache()), recipe, run)
    artifact = run / "artifact"
    manifest = read_dataset(run / "manifest.parquet")
    own = measure_artifact(artifact, manifest, split="validation").to_json()
    rows = [_row(name, by, f"{name}, held out", own)]
    for other in ELSEWHERE:
        if other != name:
            report = measure_artifact(artifact, _known(other, manifest.labels)).to_json()
            rows.append(_row(name, by, other, report))
    return rows


def _known(name: str, labels: tuple[str, ...]) -> Manifest:
    """Faces of another source that are large enough to judge, of the classes that the model knows."""
    rows = read_dataset(PICTURES / name, cache=default_cache()).usable
    side = pl.min_horizontal(pl.col("x_max") - pl.col("x_min"), pl.col("y_max") - pl.col("y_min"))
    return Manifest(rows.filter((side.is_null() | (side >= MIN_FACE_PX)) & pl.col("label").is_in(labels)))


def _row(name: str, by: str, on: str, report: dict[str, Any]) -> Row:
    accuracy, balanced = report["accuracy"], report["balanced_accuracy"]
    check = report["split_check"] or {}
    return {
        "trained_on": name,
        "split": by,
        "measured_on": on,
        "n": report["n"],
        "groups_on_both_sides": check.get("groups", ""),
        **{f"accuracy{key}": round(accuracy[part], 4) for key, part in (("", "value"), ("_low", "low"), ("_high", "high"))},
        **{f"balanced{key}": round(balanced[part], 4) for key, part in (("", "value"), ("_low", "low"), ("_high", "high"))},
        **{f"recall_{label}": round(figures["recall"]["value"], 4) for label, figures in report["per_class"].items() if figures["n"]},
    }
