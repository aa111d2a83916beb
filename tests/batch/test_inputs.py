"""What can be named, on this machine and in an object store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskwise.batch.inputs import Input, inputs
from maskwise.errors import DependencyError, InputError, UsageError


def paths(folder: Path) -> Path:
    """A folder with pictures, folders, hidden files and others."""
    for name in ("b.jpg", "a.png", "deep/er/c.webp", ".hidden.jpg", ".git/d.jpg", "notes.txt", "deep/e.JPG"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def names(found: list[Input], folder: Path) -> list[str]:
    return [str(Path(one.path).relative_to(folder)) for one in found]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", ["a.png", "b.jpg", "deep/e.JPG", "deep/er/c.webp"]),
        ("deep", ["deep/e.JPG", "deep/er/c.webp"]),
        ("*.jpg", ["b.jpg"]),
        ("**/*.webp", ["deep/er/c.webp"]),
        ("b.jpg", ["b.jpg"]),
        ("not-there.jpg", ["not-there.jpg"]),
    ],
)
def test_pictures_folders_and_globs(tmp_path: Path, named: str, expected: list[str]) -> None:
    folder = paths(tmp_path)
    found = list(inputs([str(folder / named)]))
    assert names(found, folder) == expected
    assert all(one.row is None for one in found)


def text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content.encode("utf-8-sig"))

    return write


def parquet(**columns: list[object]) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("list.csv", text("label,path\nmasked,a.png\nbare,/abs/ö.jpg\nbare,s3://bucket/x.jpg\n")),
        ("list.tsv", text("path\tlabel\na.png\tx\n/abs/ö.jpg\ty\ns3://bucket/x.jpg\tz\n")),
        ("list.jsonl", text('{"path": "a.png"}\n\n{"path": "/abs/ö.jpg"}\n{"path": "s3://bucket/x.jpg", "n": 1}\n')),
        ("list.txt", text("a.png\n\n/abs/ö.jpg\r\ns3://bucket/x.jpg")),
        ("list.parquet", parquet(n=[1, 2, 3], path=["a.png", "/abs/ö.jpg", "s3://bucket/x.jpg"])),
    ],
)
def test_a_table_names_paths_as_seen_from_its_folder(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / name)
    expected = [str(tmp_path / "a.png"), "/abs/ö.jpg", "s3://bucket/x.jpg"]
    assert list(inputs([str(tmp_path / name)])) == [Input(path) for path in expected]


@pytest.mark.parametrize(
    "columns",
    [
        {"bytes": [b"1", b"2"]},
        {"image": [b"1", b"2"]},
        {"image": [{"bytes": b"1", "path": "x"}, {"bytes": b"2", "path": None}]},
    ],
    ids=["bytes", "image", "image of Hugging Face"],
)
def test_parquet_files_hold_pictures(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("sub/b.parquet", "a.parquet"):
        parquet(**columns)(tmp_path / name)
    expected = [Input(str(tmp_path / name), row) for name in ("a.parquet", "sub/b.parquet") for row in range(2)]
    assert list(inputs([str(tmp_path)])) == expected
    assert list(inputs([str(tmp_path / "*.parquet")])) == expected[:2]
    assert list(inputs([str(tmp_path / "a.parquet"), str(tmp_path / "sub/b.parquet")])) == expected


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty", None, "no picture in it"),
        ("none*.jpg", None, "no picture in it"),
        ("list.csv", b"file,label\na.png,x\n", "has no column 'path', only file, label"),
        ("list.csv", b"path,label\n,x\n", "line 2 has no 'path'"),
        ("list.csv", b"path\n\xff\xfe\n", "is not text in UTF-8"),
        ("list.csv", b"", "has no column 'path'"),
        ("list.txt", b"\n\n", "no picture in it"),
        ("list.jsonl", b'{"path": "a"}\n{"path"\n', "cannot be read"),
        ("list.jsonl", b"[1]\n", "line 1 has no 'path'"),
        ("list.parquet", b"PAR1", "cannot be read"),
        ("gone.csv", None, "is not there"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    elif name == "empty":
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=says) as told:
        list(inputs([str(tmp_path / name)]))
    assert str(tmp_path / name) in str(told.value)


def test_parquet_of_neither_is_one_clear_error(tmp_path: Path) -> None:
    parquet(n=[1], path=[2])(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="neither a column 'path' of text nor one of pictures"):
        list(inputs([str(tmp_path / "x.parquet")]))


@pytest.mark.parametrize(
    ("named", "error", "says"),
    [
        ("gs://bucket/x", DependencyError, "pip install gcsfs"),
        ("nonsense://bucket/x", UsageError, "nonsense:// is not known"),
    ],
)
def test_an_address_that_cannot_be_spoken_to(named: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        list(inputs([named]))


def test_a_long_table_is_not_held_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "long.jsonl").open("w") as file:
        for number in range(100_000):
            file.write(json.dumps({"path": f"{number}.jpg"}) + "\n")
    coming = inputs([str(tmp_path / "long.jsonl")])
    assert next(coming) == Input(str(tmp_path / "0.jpg"))
    assert sum(1 for _ in coming) == 99_999
