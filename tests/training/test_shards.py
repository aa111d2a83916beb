"""Cut faces in shards: the same faces, in windows, from a folder and from a real object store."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import polars as pl
import pytest
from lightning_fabric import Fabric
from PIL import Image as Pillow

from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.errors import DataError, StorageError
from maskwise.model.crops import CropSpec
from maskwise.training import recipe as recipes
from maskwise.training.batches import load
from maskwise.training.cutting import cut_ahead
from maskwise.training.loader import Examples, epoch_order
from maskwise.training.recipe import Sampling, Shards
from maskwise.training.shards import Crops, ShardedCrops, by_windows, claim, cut_shards, placed, shard_name
from maskwise.training.trainer import of_training
from tests.batch.bucket import bucket

__all__ = ["bucket"]

SPEC, LAYOUT = CropSpec(16), Shards(rows=4, window=2)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Thirty-one pictures of noise; every third has two faces."""
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(31):
        pixels = np.random.default_rng(i).integers(0, 256, (30, 40, 3)).astype(np.uint8)
        path = folder / ("masked" if i % 2 else "unmasked") / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Pillow.fromarray(pixels).save(path)
    rows = read_dataset(folder).rows
    boxed = rows.with_columns(x_min=pl.lit(2.0), y_min=pl.lit(2.0), x_max=pl.lit(20.0), y_max=pl.lit(20.0)).cast(
        dict(rows.schema)  # type: ignore[arg-type]
    )
    second = boxed.gather_every(3).with_columns(x_min=pl.lit(12.0, pl.Float32), x_max=pl.lit(30.0, pl.Float32))
    return Manifest(pl.concat([boxed, second.cast(dict(rows.schema))]).sort("path", "x_min"))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def crops(part: Manifest) -> Crops:
    paths = part.rows["path"].to_list()
    found: dict[int, Any] = {}
    for cuts in cut_ahead(paths, part.boxes_xyxy(), list(range(len(paths))), SPEC):
        found |= cuts
    return np.stack([found[i] for i in range(len(paths))])


def opened(part: Manifest, place: str, cache: Path, layout: Shards = LAYOUT) -> ShardedCrops:
    return ShardedCrops(part.rows["path"].to_list(), SPEC.size_px, place, layout, cache)


@pytest.mark.parametrize("processes", [1, 3])
def test_shards_hold_the_faces_of_their_rows(part: Manifest, crops: Crops, tmp_path: Path, processes: int) -> None:
    for rank in range(processes):
        cut_shards(part, SPEC, str(tmp_path / "shards"), LAYOUT, (rank, processes))
    shards = opened(part, str(tmp_path / "shards"), tmp_path / "cache")
    assert len(shards) == len(crops) == 42
    assert np.array_equal(np.asarray(shards), crops)
    some = np.array([41, 3, 3, 0, 17])
    assert np.array_equal(shards[some], crops[some])
    files = sorted(path.name for path in (tmp_path / "shards").glob("*.npy"))
    assert files == [shard_name(i) for i in range(11)]
    assert np.load(tmp_path / "shards" / shard_name(10)).shape == (2, 16, 16, 3)
    assert not (tmp_path / "cache").exists(), "what lies in a folder is read where it lies"


def test_shards_of_an_object_store_are_fetched_ahead_and_let_go(
    part: Manifest, crops: Crops, bucket: str, tmp_path: Path
) -> None:
    cut_shards(part, SPEC, f"{bucket}/shards", LAYOUT)
    shards, cache = opened(part, f"{bucket}/shards", tmp_path / "cache"), tmp_path / "cache"
    order = epoch_order(Examples(shards, np.zeros(42, np.int64)), Sampling(), 0, 0)
    seen = []
    for start in range(0, 42, 4):
        shards.coming(order[start : start + 12])
        seen.append(shards[order[start : start + 4]])
        # A window of two shards, kept three times; one may be on its way in.
        assert len(list(cache.glob("[0-9]*.npy"))) <= 3 * LAYOUT.window + 4
    assert np.array_equal(np.concatenate(seen), crops[order])
    assert all(path.suffix in (".npy", ".lock") for path in cache.iterdir()), "nothing half is left"


def test_a_fork_opens_files_of_its_own(part: Manifest, crops: Crops, bucket: str, tmp_path: Path) -> None:
    """Loaders are forks, and connections do not survive a fork."""
    cut_shards(part, SPEC, f"{bucket}/shards", LAYOUT)
    shards = opened(part, f"{bucket}/shards", tmp_path / "cache")
    assert np.array_equal(shards[np.array([0])], crops[:1])
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(shards[np.arange(42)], crops) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_cutting_again_cuts_what_is_missing_only(part: Manifest, crops: Crops, tmp_path: Path) -> None:
    place = tmp_path / "shards"
    cut_shards(part, SPEC, str(place), LAYOUT)
    before = {path: path.stat().st_mtime_ns for path in place.glob("*.npy")}
    (place / shard_name(3)).unlink()
    heard: list[tuple[int, int]] = []
    cut_shards(part, SPEC, str(place), LAYOUT, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (4, 4)
    after = {path: path.stat().st_mtime_ns for path in place.glob("*.npy")}
    assert {path.name for path in after if after[path] != before[path]} == {shard_name(3)}
    assert np.array_equal(np.asarray(opened(part, str(place), tmp_path / "cache")), crops)


def test_shards_of_other_faces_are_not_taken(part: Manifest, tmp_path: Path) -> None:
    """The same faces in another order are others: they would get each other's labels."""
    place = str(tmp_path / "shards")
    claim(part, SPEC, place, LAYOUT)
    claim(part, SPEC, place, LAYOUT)
    relabelled = Manifest(part.rows.with_columns(label=pl.lit("masked")))
    claim(relabelled, SPEC, place, LAYOUT)
    for other, spec, layout in (
        (Manifest(part.rows[:-1]), SPEC, LAYOUT),
        (Manifest(part.rows.reverse()), SPEC, LAYOUT),
        (part, CropSpec(20), LAYOUT),
        (part, SPEC, Shards(rows=5)),
    ):
        with pytest.raises(DataError, match="holds shards of other faces"):
            claim(other, spec, place, layout)


@pytest.mark.parametrize("harm", ["gone", "empty", "cut short", "other"])
def test_a_shard_that_is_damaged_is_told(part: Manifest, tmp_path: Path, harm: str) -> None:
    place = tmp_path / "shards"
    cut_shards(part, SPEC, str(place), LAYOUT)
    file = place / shard_name(2)
    if harm == "gone":
        file.unlink()
    elif harm == "empty":
        file.write_bytes(b"")
    elif harm == "cut short":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        np.save(file, np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(StorageError, match=shard_name(2)):
        np.asarray(opened(part, str(place), tmp_path / "cache"))


def test_a_shard_that_runs_code_is_not_opened(part: Manifest, tmp_path: Path) -> None:
    place = tmp_path / "shards"
    cut_shards(part, SPEC, str(place), LAYOUT)
    (place / shard_name(0)).write_bytes(pickle.dumps(np.zeros(3)))
    with pytest.raises(StorageError, match="cannot be read"):
        np.asarray(opened(part, str(place), tmp_path / "cache"))


def test_a_shard_that_is_gone_from_the_store_is_told(part: Manifest, bucket: str, tmp_path: Path) -> None:
    cut_shards(part, SPEC, f"{bucket}/shards", LAYOUT)
    fsspec.filesystem("s3", skip_instance_cache=True).rm_file(f"{bucket}/shards/{shard_name(1)}")
    with pytest.raises(StorageError, match=r"00000001\.npy is gone"):
        np.asarray(opened(part, f"{bucket}/shards", tmp_path / "cache"))


def test_pictures_are_shuffled_into_the_shards_and_their_faces_stay_together() -> None:
    paths = [f"{i // 3}.png" for i in range(300)]
    rows = placed(paths)
    assert sorted(rows) == list(range(300))
    assert np.array_equal(rows, placed(paths))
    assert all(paths[rows[i]] == paths[rows[i + 1]] for i in range(0, 300, 3))
    assert abs(np.corrcoef(rows, np.arange(300))[0, 1]) < 0.2


def test_an_epoch_goes_window_by_window_and_sees_everything_once(part: Manifest, tmp_path: Path) -> None:
    shards = opened(part, str(tmp_path), tmp_path)
    data = Examples(shards, np.zeros(42, np.int64))
    orders = [epoch_order(data, Sampling(), 0, epoch) for epoch in (0, 0, 1)]
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])
    for order in orders:
        assert Counter(order.tolist()) == Counter(range(42))
        visits = shards.shard_of[order]
        starts = {shard: int(np.flatnonzero(visits == shard)[0]) for shard in range(11)}
        ends = {shard: int(np.flatnonzero(visits == shard)[-1]) for shard in range(11)}
        for at in range(42):
            assert sum(starts[s] <= at <= ends[s] for s in range(11)) <= LAYOUT.window


def test_drawn_examples_keep_how_often_they_were_drawn() -> None:
    order = np.random.default_rng(0).choice(1000, 5000)
    windows = by_windows(order, np.arange(1000) // 10, 4, np.random.default_rng(1))
    assert Counter(windows.tolist()) == Counter(order.tolist())
    assert len(by_windows(order[:0], np.arange(0), 4, np.random.default_rng(1))) == 0


def test_how_rows_are_dealt_has_nothing_to_do_with_any_epoch() -> None:
    """Seeds of 0 and of [0, 0] are one and the same to NumPy: the first epoch once went through the shards in order."""
    paths = [f"{i}.png" for i in range(4000)]
    data = Examples(np.zeros((4000, 1, 1, 3), np.uint8), np.zeros(4000, np.int64))
    for seed in range(3):
        for epoch in range(3):
            together = np.corrcoef(placed(paths), epoch_order(data, Sampling(), seed, epoch))[0, 1]
            assert abs(together) < 0.06, (seed, epoch)


def test_what_a_loader_finds_wrong_is_one_line(part: Manifest, tmp_path: Path) -> None:
    place = tmp_path / "shards"
    cut_shards(part, SPEC, str(place), LAYOUT)
    (place / shard_name(4)).unlink()
    data = Examples(opened(part, str(place), tmp_path / "cache"), np.zeros(42, np.int64))
    recipe, fabric = recipes.load("study", {"crop.size_px": 16}), Fabric(accelerator="cpu", devices=1)
    with pytest.raises(StorageError) as told:
        list(load(fabric, recipe, of_training(fabric, recipe, data), range(1), loaders=1))
    assert str(told.value).startswith(f"{place}: {shard_name(4)} cannot be read")
    assert "\n" not in str(told.value)
