"""Pictures and results in an S3 server that speaks over HTTP."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import fsspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskwise.batch import reading
from maskwise.batch.inputs import inputs
from maskwise.batch.run import Wish, run
from maskwise.data.store import Store
from maskwise.engines.local import Local
from maskwise.errors import InputError, StorageError
from tests.batch.bucket import bucket  # noqa: F401 - a fixture
from tests.batch.pictures import WHOLE, coloured, rows_of
from tests.builders import tiny_artifact

logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(autouse=True)
def _own_file_systems() -> None:
    reading._made.cache_clear()  # of the server of another test


def remote_rows(place: str, folder: Path) -> pl.DataFrame:
    """Rows in the store, by way of this machine."""
    fsspec.filesystem("s3").get(f"{place}/rows", str(folder / "rows"), recursive=True)
    return rows_of(folder)


def test_from_a_store_to_a_store(bucket: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    folder = coloured(tmp_path / "in", 20, broken=(3,))
    fsspec.filesystem("s3").put(str(folder), f"{bucket}/in", recursive=True)
    model = str(tiny_artifact(tmp_path / "model"))
    here = Wish((str(folder),), str(tmp_path / "here"), model, WHOLE, part_rows=6)
    run(here, Local(2))
    there = replace(here, sources=(f"{bucket}/in",), place=f"{bucket}/out")
    summary = run(there, Local(2))
    assert summary.whole
    rows = remote_rows(f"{bucket}/out", tmp_path / "fetched")
    expected = rows_of(tmp_path / "here")
    assert rows["path"].to_list() == [f"{bucket}/in/{number:05d}.png" for number in range(20)]
    assert rows.drop("path", "error").equals(expected.drop("path", "error"))
    assert run(replace(there, resume=True), Local(1)).fresh == 0
    fsspec.filesystem("s3").rm(f"{bucket}/out/rows/part-000002.parquet")
    assert run(replace(there, resume=True), Local(1)).fresh == 6


@pytest.mark.parametrize("named", ["in", "in/*.png", "in/list.csv", "in/all.parquet", "in/00001.png"])
def test_whatever_is_named(bucket: str, tmp_path: Path, named: str) -> None:  # noqa: F811
    folder = coloured(tmp_path / "in", 3)
    (folder / "list.csv").write_text("path\n00000.png\n00001.png\n00002.png\n")
    pq.write_table(
        pa.table({"bytes": [path.read_bytes() for path in sorted(folder.glob("*.png"))]}), folder / "all.parquet"
    )
    fsspec.filesystem("s3").put(str(folder), f"{bucket}/in", recursive=True)
    found = list(inputs([f"{bucket}/{named}"]))
    assert len(found) == (1 if named == "in/00001.png" else 3)
    read = list(reading.read(found, tmp_path, None))
    assert all(not isinstance(one.image, Exception) for one in read)
    assert [one.size[1] for one in read] == [48] * len(found)


def test_what_is_not_there(bucket: str, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(InputError, match=r"no picture in it|is not there"):
        list(inputs([f"{bucket}/none/*.jpg"]))
    with pytest.raises(InputError, match="is not there"):
        list(inputs([f"{bucket}/none.csv"]))
    (one,) = reading.read(list(inputs([f"{bucket}/gone.jpg"])), tmp_path, None)
    assert str(one.image) == f"{bucket}/gone.jpg: the file is missing; check the path"


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(StorageError, match="cannot use s3://no-such-bucket/out"):
        Store("s3://no-such-bucket/out").write("a", b"")
