"""Files of rows: what is there can be read, whatever became of the writer."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from maskwise.errors import StorageError, UsageError
from maskwise.stream.outputs.rows import PART_ROWS, Columns, open_rows

COLUMNS: Columns = {"name": "text", "n": "whole", "x": "real", "zones": "text"}
ROWS: list[dict[str, Any]] = [
    {"name": 'door, "left"\nwing', "n": 1, "x": 0.5, "zones": ["a", "b"]},
    {"name": "Zoë", "n": None, "x": None, "zones": []},
]


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return pl.read_parquet(path).to_dicts()


EXPECTED: dict[str, list[dict[str, Any]]] = {
    ".jsonl": ROWS,
    ".csv": [
        {"name": 'door, "left"\nwing', "n": "1", "x": "0.5", "zones": "a b"},
        {"name": "Zoë", "n": "", "x": "", "zones": ""},
    ],
    ".parquet": [
        {"name": 'door, "left"\nwing', "n": 1, "x": 0.5, "zones": "a b"},
        {"name": "Zoë", "n": None, "x": None, "zones": None},
    ],
}


@pytest.mark.parametrize("suffix", EXPECTED)
def test_rows_come_back_as_they_went(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "deep" / f"rows{suffix}"
    with open_rows(path, COLUMNS) as rows:
        for row in ROWS:
            rows.write(row)
    assert read(path) == EXPECTED[suffix]


@pytest.mark.parametrize("suffix", EXPECTED)
@pytest.mark.parametrize(("go_on", "times"), [(True, 3), (False, 1)])
def test_a_later_run_goes_on_or_begins_anew(tmp_path: Path, suffix: str, go_on: bool, times: int) -> None:
    path = tmp_path / f"rows{suffix}"
    for _ in range(3):
        with open_rows(path, COLUMNS, go_on=go_on) as rows:
            for row in ROWS:
                rows.write(row)
    assert read(path) == EXPECTED[suffix] * times


@pytest.mark.parametrize("suffix", EXPECTED)
def test_a_stream_without_rows_leaves_an_empty_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    with open_rows(path, COLUMNS):
        pass
    assert read(path) == []


def test_a_line_cut_off_by_a_power_failure_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1}\n{"n": 2')
    with open_rows(path, COLUMNS, go_on=True) as rows:
        rows.write({"n": 3})
    assert path.read_text().splitlines() == ['{"n": 1}', '{"n": 2', '{"n": 3}']


def test_a_table_of_other_columns_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="other columns"):
        open_rows(path, COLUMNS, go_on=True)
    assert path.read_text() == "a,b\n1,2\n"


def test_parquet_takes_no_folder_that_holds_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "rows.parquet"
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(UsageError, match=r"holiday\.jpg"):
        open_rows(folder, COLUMNS)
    assert (folder / "holiday.jpg").read_bytes() == b"dear"
    (tmp_path / "file.parquet").write_text("")
    with pytest.raises(UsageError, match="a file is there"):
        open_rows(tmp_path / "file.parquet", COLUMNS)


def test_parquet_is_written_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with open_rows(path, COLUMNS) as rows:
        for n in range(2 * PART_ROWS + 10):
            rows.write({"n": n})
        assert len(list(path.glob("part-*.parquet"))) == 2, "written while it goes on"
    assert pl.read_parquet(path)["n"].to_list() == list(range(2 * PART_ROWS + 10))


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.jsonl, \.csv, \.parquet"):
        open_rows(tmp_path / "rows.xlsx", COLUMNS)


WRITER = """
import sys, resource, signal
from pathlib import Path
from maskwise.errors import StorageError
from maskwise.stream.outputs.rows import open_rows
if len(sys.argv) > 2:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with open_rows(Path(sys.argv[1]), {"name": "text", "n": "whole"}) as rows:
        print("begun", flush=True)
        for n in range(10_000_000):
            rows.write({"name": "x" * (n % 700), "n": n})
except StorageError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("after_s", [0.05, 0.31])
def test_a_killed_writer_leaves_whole_rows(tmp_path: Path, suffix: str, after_s: float) -> None:
    path = tmp_path / f"rows{suffix}"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(after_s if suffix != ".parquet" else after_s + 1)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    if suffix == ".parquet" and not list(path.glob("part-*.parquet")):
        pytest.skip("this machine was too slow to write a part")
    numbers = [int(row["n"]) for row in read(path)]
    assert len(numbers) > 10
    assert numbers == list(range(len(numbers)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of a process are POSIX")
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_full_disk_is_one_line_and_what_was_written_is_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    ran = subprocess.run(
        [sys.executable, "-c", WRITER, str(path), "50000"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2, ran.stderr
    assert "cannot write" in ran.stdout
    numbers = [int(row["n"]) for row in read(path)]
    assert numbers == list(range(len(numbers)))
    assert path.stat().st_size > 45_000
    assert path.read_bytes().endswith(b"\n")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        open_rows(tmp_path / "file" / "rows.jsonl", COLUMNS)
