"""A row for each input, the same under every engine, and on after whatever happened."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from maskwise.batch.plan import Judging
from maskwise.batch.run import Progress, Wish, run
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from maskwise.errors import ConfigError, InputError, MaskwiseError, StorageError, UsageError
from maskwise.inference.checker import load
from tests.batch.pictures import WHOLE, coloured, rows_of
from tests.builders import tiny_artifact


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_artifact(tmp_path_factory.mktemp("model")))


@pytest.fixture
def wish(tmp_path: Path, model: str) -> Wish:
    """Thirty pictures, of which two are none."""
    folder = coloured(tmp_path / "in", 30, broken=(3, 17))
    return Wish((str(folder),), str(tmp_path / "out"), model, WHOLE, part_rows=7)


class InTurn:
    """An engine that does tasks here, and may stop after some."""

    def __init__(self, most: int = 1_000) -> None:
        self.most = most
        self.did: list[int] = []

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        from maskwise.engines.engine import Done

        do = make()
        for task in tasks:
            if len(self.did) == self.most:
                raise KeyboardInterrupt
            self.did.append(task)
            yield Done(task, do(task))


def test_every_input_has_its_row_and_what_check_says(wish: Wish, tmp_path: Path) -> None:
    summary = run(wish, Local(2))
    rows = rows_of(tmp_path / "out")
    checker = load(wish.model, faces="whole")
    assert rows["input"].to_list() == list(range(30))
    for row in rows.to_dicts():
        said = next(iter(checker.batch([row["path"]]))).to_json()
        assert (row["width"], row["height"], row["error"]) == (said["width"], said["height"], said["error"])
        assert row["status"] == ("error" if said["error"] else "ok")
        for face, expected in zip(row["faces"], said["faces"], strict=True):
            seen = {name: p for name, p in face["probabilities"].items() if p is not None}
            assert {**face, "probabilities": seen} == {k: v for k, v in expected.items() if "track" not in k}
    assert (summary.total.inputs, summary.total.unreadable, summary.total.faces) == (30, 2, 28)
    assert summary.total.verdicts == {"masked": 15, "unmasked": 13}
    assert rows["model_sha256"].n_unique() == 1
    content = json.loads((tmp_path / "out/summary.json").read_text())
    assert (content["inputs"], content["done"], content["unreadable"]) == (30, 30, 2)
    assert "<h1>30 pictures, 28 faces</h1>" in (tmp_path / "out/report.html").read_text()


def test_ray_gives_the_same_rows(wish: Wish, tmp_path: Path) -> None:
    run(wish, InTurn())
    run(replace(wish, place=str(tmp_path / "ray")), OnRay(workers=2))
    assert rows_of(tmp_path / "ray").equals(rows_of(tmp_path / "out"))


def test_resuming_does_what_is_left(wish: Wish, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(wish, InTurn(2))
    assert len(rows_of(tmp_path / "out")) == 14
    rest = InTurn()
    heard: list[Progress] = []
    summary = run(replace(wish, resume=True), rest, heard.append)
    assert rest.did == [2, 3, 4]
    assert (summary.fresh, summary.total.inputs) == (16, 30)
    assert (heard[0].done, heard[-1].done, heard[-1].fresh, heard[-1].count) == (14, 30, 16, 30)
    run(replace(wish, place=str(tmp_path / "unbroken")), InTurn())
    assert rows_of(tmp_path / "out").equals(rows_of(tmp_path / "unbroken"))
    again = InTurn()
    assert run(replace(wish, resume=True), again).fresh == 0
    assert again.did == []


@pytest.mark.parametrize("harm", ["cut", "emptied", "of another plan", "removed"])
def test_a_part_that_is_damaged_is_done_again(wish: Wish, tmp_path: Path, harm: str) -> None:
    run(wish, InTurn())
    whole = rows_of(tmp_path / "out")
    part = tmp_path / "out/rows/part-000001.parquet"
    if harm == "cut":
        part.write_bytes(part.read_bytes()[:-20])
    elif harm == "emptied":
        part.write_bytes(b"")
    elif harm == "removed":
        part.unlink()
    else:
        table = pq.read_table(part)
        pq.write_table(table.replace_schema_metadata({"maskwise": json.dumps({"plan": "other", "counts": {}})}), part)
    engine = InTurn()
    run(replace(wish, resume=True), engine)
    assert engine.did == [1]
    assert rows_of(tmp_path / "out").equals(whole)


def test_pictures_that_come_later_are_not_mixed_in(wish: Wish, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(wish, InTurn(1))
    coloured(tmp_path / "in", 60)
    assert run(replace(wish, resume=True), InTurn()).total.inputs == 30


def test_pictures_in_parquet_files(wish: Wish, tmp_path: Path) -> None:
    run(wish, InTurn())
    expected = rows_of(tmp_path / "out")
    contents = [Path(path).read_bytes() for path in expected["path"]]
    pq.write_table(pa.table({"image": contents, "n": list(range(30))}), tmp_path / "all.parquet", row_group_size=4)
    run(replace(wish, sources=(str(tmp_path / "all.parquet"),), place=str(tmp_path / "two")), Local(2))
    rows = rows_of(tmp_path / "two")
    assert rows["row"].to_list() == list(range(30))
    assert rows.drop("path", "row", "error").equals(expected.drop("path", "row", "error"))
    assert rows.filter(pl.col("status") == "error")["error"][0].startswith(f"{tmp_path}/all.parquet, row 3: ")


def test_a_parquet_file_that_shrinks_costs_its_rows(wish: Wish, tmp_path: Path) -> None:
    contents = [path.read_bytes() for path in sorted((tmp_path / "in").iterdir())]
    pq.write_table(pa.table({"bytes": contents}), tmp_path / "all.parquet")
    wish = replace(wish, sources=(str(tmp_path / "all.parquet"),))
    with pytest.raises(KeyboardInterrupt):
        run(wish, InTurn(0))
    pq.write_table(pa.table({"bytes": [*contents[:10], None]}), tmp_path / "all.parquet")
    run(replace(wish, resume=True), InTurn())
    rows = rows_of(tmp_path / "out")
    assert rows["input"].to_list() == list(range(30))
    assert rows["status"].to_list()[4:10] == ["ok"] * 6
    assert set(rows["status"].to_list()[10:]) == {"error"}
    assert "row 10: is empty" in rows["error"][10]


def test_paths_are_seen_from_where_the_run_began(wish: Wish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wish = replace(wish, sources=("in",), place="out")
    with pytest.raises(KeyboardInterrupt):
        run(wish, InTurn(1))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run(replace(wish, place="../out", resume=True), InTurn())
    assert rows_of(tmp_path / "out")["path"].to_list()[:2] == ["in/00000.png", "in/00001.png"]
    assert (rows_of(tmp_path / "out")["status"] == "ok").sum() == 28


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({}, UsageError, "stay untouched; go on with them by --resume"),
        ({"resume": True, "sources": ("other",)}, UsageError, "begun with other pictures: then"),
        ({"resume": True, "model": "default"}, UsageError, "begun with another model"),
        ({"resume": True, "judging": Judging()}, UsageError, "begun with other options"),
    ],
)
def test_runs_are_not_mixed(wish: Wish, change: dict[str, Any], error: type[MaskwiseError], says: str) -> None:
    run(wish, InTurn())
    with pytest.raises(error, match=says):
        run(replace(wish, **change), InTurn())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"sources": ()}, InputError, "nothing to look at"),
        ({"part_rows": 0}, UsageError, "part_rows: 0 is below 1"),
        ({"model": "nowhere"}, MaskwiseError, "not a model folder"),
        ({"judging": Judging(threshold=2.0)}, ConfigError, "threshold"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_done(
    wish: Wish, change: dict[str, Any], error: type[MaskwiseError], says: str
) -> None:
    engine = InTurn()
    with pytest.raises(error, match=says):
        run(replace(wish, **change), engine)
    assert engine.did == []
    run(wish, engine)  # and the folder can still be used


def test_two_runs_in_one_folder_do_not_meet(wish: Wish) -> None:
    class Meanwhile(InTurn):
        def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
            with pytest.raises(UsageError, match="another run is at work there"):
                run(replace(wish, resume=True), InTurn())
            yield from super().map(make, tasks)

    assert run(wish, Meanwhile()).whole


def test_where_nothing_can_be_written(wish: Wish, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot use"):
        run(replace(wish, place=str(tmp_path / "file" / "out")), InTurn())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_picture_without_permission_is_a_row(wish: Wish, tmp_path: Path) -> None:
    (tmp_path / "in/00000.png").chmod(0)
    run(wish, InTurn())
    assert "no permission" in rows_of(tmp_path / "out")["error"][0]


def test_a_large_jpeg_is_decoded_at_part_of_its_size_unless_a_face_is_small(tmp_path: Path) -> None:
    from benchmarks.serving import picture

    (tmp_path / "in").mkdir()
    (tmp_path / "small.jpg").write_bytes(picture(1))
    small = Pillow.open(tmp_path / "small.jpg")
    small.resize((4480, 3360), Pillow.Resampling.BICUBIC).save(tmp_path / "in/large.jpg", quality=95)
    wide = Pillow.new("RGB", (4480, 3360), "grey")
    wide.paste(small.resize((960, 720)), (100, 100))
    wide.save(tmp_path / "in/small-face.jpg", quality=95)
    run(Wish((str(tmp_path / "in"),), str(tmp_path / "out")), InTurn())
    run(Wish((str(tmp_path / "in"),), str(tmp_path / "full"), judging=Judging(full=True)), InTurn())
    rows, full = rows_of(tmp_path / "out"), rows_of(tmp_path / "full")
    assert full["decoded_at"].to_list() == [1.0, 1.0]
    assert rows["decoded_at"].to_list() == [0.5, 1.0]
    assert rows["width"].to_list() == full["width"].to_list() == [4480, 4480]
    (face,), (expected,) = rows["faces"][0], full["faces"][0]
    assert face["verdict"] == expected["verdict"]
    assert face["box_xyxy"] == pytest.approx(expected["box_xyxy"], abs=20)
    assert rows.row(1) == full.row(1)
