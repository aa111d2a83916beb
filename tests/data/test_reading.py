from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data import reading
from maskwise.data.reading import Facts, default_cache, read_facts


def picture(path: Path, width: int = 12, height: int = 8, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


def broken(path: Path) -> Path:
    whole = picture(path, 64, 64).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("decoded, although the cache knows it")

    monkeypatch.setattr(reading, "decode_image", fail)


def test_facts_are_those_of_the_file_in_the_order_asked(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{i}.png", 10 + i, 20 + i, i) for i in range(9)]
    got = read_facts(paths[::-1], cache=None)
    assert got == [
        Facts(hashlib.sha256(path.read_bytes()).hexdigest(), 10 + i, 20 + i)
        for i, path in reversed([*enumerate(paths)])
    ]


def test_a_picture_that_breaks_in_its_middle_is_found(tmp_path: Path) -> None:
    path = broken(tmp_path / "half.jpg")
    (facts,) = read_facts([path], cache=None)
    assert (facts.width, facts.height) == (0, 0)
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.error is not None
    assert "damaged" in facts.error
    assert "half.jpg" not in facts.error, "the row has the name already"


def test_a_missing_file_has_no_hash(tmp_path: Path) -> None:
    (facts,) = read_facts([tmp_path / "gone.jpg"], cache=None)
    assert facts.sha256 == ""
    assert "missing" in str(facts.error)


def test_the_second_run_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [picture(tmp_path / f"{i}.png", seed=i) for i in range(5)]
    first = read_facts(paths, cache=tmp_path / "cache")
    paths[0].rename(tmp_path / "moved.png")  # content counts, not name or place
    forbid_decoding(monkeypatch)
    assert read_facts([tmp_path / "moved.png", *paths[1:]], cache=tmp_path / "cache") == first


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", 10, 10)
    read_facts([path], cache=tmp_path / "cache")
    picture(path, 30, 40)
    assert read_facts([path], cache=tmp_path / "cache")[0].width == 30


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    read_facts([broken(tmp_path / "half.jpg")], cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*) FROM facts").fetchone() == (0,)


def test_the_cache_holds_no_pixels_and_no_names(tmp_path: Path) -> None:
    path = picture(tmp_path / "alice.png", 200, 200)
    read_facts([path], cache=tmp_path / "cache")
    stored = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert b"alice" not in stored
    assert len(stored) < path.stat().st_size


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_stops_nothing_and_heals(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [picture(tmp_path / f"{i}.png", seed=i) for i in range(3)]
    plain = read_facts(paths, cache=None)
    read_facts(paths, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    file.write_bytes(content)
    assert read_facts(paths, cache=tmp_path / "cache") == plain
    forbid_decoding(monkeypatch)
    assert read_facts(paths, cache=tmp_path / "cache") == plain


def test_a_cache_with_other_columns_stops_nothing(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    read_facts([path], cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE facts")
        database.execute("CREATE TABLE facts (something TEXT)")
    assert read_facts([path], cache=tmp_path / "cache")[0].error is None


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert read_facts([picture(tmp_path / "a.png")], cache=tmp_path / "file" / "cache")[0].error is None
    assert "going on without it" in caplog.text


def test_a_locked_cache_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "a.png")
    read_facts([path], cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda p, **_: connect(p, timeout=0, check_same_thread=False))
    other = connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert read_facts([path], cache=tmp_path / "cache")[0].error is None
    other.execute("ROLLBACK")
    assert other.execute("SELECT count(*) FROM facts").fetchone() == (1,)
    other.close()


def test_progress_reaches_the_end_and_chunks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 3)
    paths = [picture(tmp_path / f"{i}.png", 5 + i) for i in range(8)]
    seen: list[tuple[int, int]] = []
    got = read_facts(paths, cache=tmp_path / "cache", progress=lambda *both: seen.append(both))
    assert [f.width for f in got] == list(range(5, 13))
    assert seen == [(i, 8) for i in range(1, 9)]


def test_no_paths_are_no_facts(tmp_path: Path) -> None:
    assert read_facts([], cache=tmp_path / "cache") == []


def test_the_environment_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWISE_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("MASKWISE_CACHE")
    assert default_cache().name == "maskwise"
