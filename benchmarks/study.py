"""The study's network on real pictures: what a held-out part says, and what pictures from elsewhere say.

`study` is the study's recipe to the letter, four epochs; `learnt` is the same network at 64 px with AdamW for six
epochs, which gets it far enough to memorise. Runs lie in runs/study/ and are not trained again; without them this
takes well over an hour on two cores. Needs the development pictures.
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
LEARNT = {
    "crop.size_px": 64,
    "optimizer.name": "adamw",
    "optimizer.lr": 3e-4,
    "preprocess.mean": [0.5] * 3,
    "preprocess.std": [0.25] * 3,
    "epochs": 6,
}
TRAINED = (
    ("jang12k", "random", "study"),
    ("chandrika", "random", "study"),
    ("jolignier", "random", "study"),
    ("jolignier", "group", "study"),
    ("jang12k", "random", "learnt"),
    ("jolignier", "random", "learnt"),
    ("jolignier", "group", "learnt"),
)
ELSEWHERE = ("macwin",)
MIN_FACE_PX = 24


def measure() -> list[Row]:
    """Rows of (trained on, split, recipe, measured on) with accuracy, balanced accuracy and their intervals."""
    if not PICTURES.is_dir():
        return [{"skipped": "no development pictures"}]
    return [row for trained in TRAINED for row in _rows(*trained)]


def _rows(name: str, by: str, how: str) -> list[Row]:
    run = RUNS / f"{name}-{by}{'' if how == 'study' else '-learnt'}"
    if not (run / "artifact" / "model.json").exists():
        overrides = {"split.by": by, "split.validation": 1000} | (LEARNT if how == "learnt" else {})
        recipe = recipes.load("study", overrides)
        train(lambda: read_dataset(PICTURES / name, cache=default_cache()), recipe, run)
    artifact, manifest = run / "artifact", read_dataset(run / "manifest.parquet")
    told = {"trained_on": name, "split": by, "recipe": how}
    rows = [told | _figures(f"{name}, held out", measure_artifact(artifact, manifest, split="validation").to_json())]
    return rows + [
        told | _figures(other, measure_artifact(artifact, _known(other, manifest.classes)).to_json())
        for other in ELSEWHERE
    ]


def _known(name: str, labels: tuple[str, ...]) -> Manifest:
    """Faces of another source that are large enough to judge, of the classes that the model knows."""
    rows = read_dataset(PICTURES / name, cache=default_cache()).usable
    side_px = pl.min_horizontal(pl.col("x_max") - pl.col("x_min"), pl.col("y_max") - pl.col("y_min"))
    return Manifest(rows.filter((side_px.is_null() | (side_px >= MIN_FACE_PX)) & pl.col("label").is_in(labels)))


def _figures(on: str, report: dict[str, Any]) -> Row:
    row: Row = {"measured_on": on, "n": report["n"], "on_both_sides": (report["split_check"] or {}).get("groups", "")}
    for figure in ("accuracy", "balanced_accuracy"):
        for part in ("value", "low", "high"):
            row[f"{figure}_{part}"] = round(report[figure][part], 4)
    for label, figures in report["per_class"].items():
        if figures["n"]:
            row[f"recall_{label}"] = round(figures["recall"]["value"], 4)
    return row
