"""What is trained on: faces where the detector finds them; masks only on those that are trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data import embedded
from maskwise.data import manifest as manifests
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.training import recipe as recipes
from maskwise.training.listener import Listener
from maskwise.training.prepare import prepare

PEOPLE = 8


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Two pictures of each of eight people, called masked or unmasked by turns: which is all the same here."""
    folder = tmp_path_factory.mktemp("faces")
    for person in range(PEOPLE):
        for i in range(2):
            name, grey = embedded.orl_faces()[person * 10 + i]
            path = folder / ("masked", "unmasked")[person % 2] / f"{name}-{person}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)).save(path)
    return read_dataset(folder, source="orl")


def prepared(data: Manifest, run: Path, **overrides: object) -> tuple[Manifest, list[str]]:
    said: list[str] = []
    recipe = recipes.load("demo", {"split.validation": 0.25, "split.test": 0.25, **overrides})
    prepare(data, recipe, run, Listener(say=said.append))
    return manifests.load(run / "manifest.parquet"), said


def test_masks_are_drawn_on_what_is_trained_on_and_on_nothing_else(faces: Manifest, tmp_path: Path) -> None:
    plain, _ = prepared(faces, tmp_path / "plain")
    drawn, said = prepared(
        faces, tmp_path / "drawn", render={"mix": {"wearings": ["nose_out"], "negatives": ["hand"], "each": 2}}
    )
    photographs = drawn.rows.filter(pl.col("provenance").ne_missing("rendered"))
    assert photographs.drop("path").equals(plain.rows.drop("path")), "the rest is what it was"
    rendered = drawn.usable.filter(pl.col("provenance").eq_missing("rendered"))
    bare = plain.part("train").rows.filter(pl.col("label") == "unmasked")
    assert set(rendered["origin"]) == set(bare["sha256"])
    assert set(rendered["split"]) == {"train"}
    assert rendered.select("label", "kind").unique().height >= 2
    assert set(rendered["label"]) == {"incorrect", "unmasked"}
    assert all(Path(path).is_relative_to(tmp_path / "drawn" / "rendered") for path in rendered["path"])
    assert any(line.startswith("train: ") and f"{len(bare)} incorrect" in line for line in said)


def test_boxes_are_those_that_the_detector_finds_under_the_mask_too(faces: Manifest, tmp_path: Path) -> None:
    drawn, _ = prepared(faces, tmp_path / "run", render={"mix": {"wearings": ["covering"], "kinds": ["surgical"]}})
    assert not np.isnan(Manifest(drawn.usable).boxes_xyxy()).any()
    of = {row["sha256"]: row for row in drawn.rows.iter_rows(named=True)}
    rendered = drawn.usable.filter(pl.col("provenance").eq_missing("rendered"))
    corners = [
        [[row[name] for name in ("x_min", "y_min", "x_max", "y_max")] for row in (one, of[one["origin"]])]
        for one in rendered.iter_rows(named=True)
    ]
    moved = np.abs(np.diff(np.array(corners), axis=1))
    assert 0 < moved.max() < 30, "not the bare face's box, and yet the same face"


def test_a_collection_tests_on_what_it_keeps_for_that(faces: Manifest, tmp_path: Path) -> None:
    first = pl.col("group").str.contains("-[01]$")
    marked = Manifest(faces.rows.with_columns(split=pl.when(first).then(pl.lit("test"))))
    kept, _ = prepared(marked, tmp_path / "run", **{"split.keep_given": True, "split.test": 0.0})
    assert kept.part("test").rows.height == 4
    assert kept.part("test").rows["group"].str.contains("-[01]$").all()
