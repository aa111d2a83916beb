"""Hashes: what the catalog or the user vouches for, what the first fetch remembers, what was altered since."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskwise.errors import DataError
from tests.data.fetch.builders import ARCHIVE, bring, entry, left, members, zipped
from tests.data.fetch.site import Page, Site


@pytest.mark.parametrize("who", ["catalog", "user"])
def test_a_wrong_checksum_is_put_aside(who: str, site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    file = {"url": f"{site.url}/set.zip"} | ({"sha256": "0" * 64} if who == "catalog" else {})
    more = {"sha256": "0" * 64} if who == "user" else {}
    with pytest.raises(DataError, match=r"set.zip has the SHA-256 .*: it is damaged, or another file; it is put aside"):
        bring(entry(site, get__files=[file]), tmp_path / "faces", **more)
    assert left(tmp_path / "faces") == ["download/set.zip.wrong"]


def test_a_wrong_size_is_put_aside(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "bytes": len(ARCHIVE) + 1}])
    with pytest.raises(DataError, match=r"set.zip has [\d,]+ bytes, the catalog says"):
        bring(what, tmp_path / "faces")


def test_the_first_use_is_trusted_and_remembered(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    _, said = bring(entry(site), tmp_path / "faces")
    assert "no checksum of it is published" in said[0]
    assert hashlib.sha256(ARCHIVE).hexdigest() in said[0]
    shutil.rmtree(tmp_path / "faces/data")
    site.pages["/set.zip"] = Page(zipped(*members(masked=2)))
    with pytest.raises(DataError, match=r"the first fetch, at .*, had"):
        bring(entry(site), tmp_path / "faces")
    site.pages["/set.zip"] = Page(ARCHIVE)
    assert bring(entry(site), tmp_path / "faces")[0].record.files == 6


def test_an_archive_packed_anew_is_known_by_its_files(site: Site, tmp_path: Path) -> None:
    what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "stable": False}])
    site.pages["/set.zip"] = Page(ARCHIVE)
    _, said = bring(what, tmp_path / "faces")
    assert "packed anew by its host" in said[0]
    shutil.rmtree(tmp_path / "faces/data")
    site.pages["/set.zip"] = Page(zipped(*reversed(members()), packing=zipfile.ZIP_STORED))
    assert bring(what, tmp_path / "faces")[0].record.files == 6
    shutil.rmtree(tmp_path / "faces/data")
    site.pages["/set.zip"] = Page(zipped(*members(masked=4)))
    with pytest.raises(DataError, match=r"are not those that were fetched at .*: 1 new \(set-1234/faces/on/3.png\)"):
        bring(what, tmp_path / "faces")


def test_the_hash_of_all_files(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    tree = bring(entry(site), tmp_path / "a")[0].record.tree_sha256
    bring(entry(site, get__tree_sha256=tree), tmp_path / "b")
    with pytest.raises(DataError, match="have together the SHA-256"):
        bring(entry(site, get__tree_sha256="0" * 64), tmp_path / "c")
    assert not (tmp_path / "c/data").exists()


def test_the_list_of_files_is_what_sha256sum_reads(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    bring(entry(site), tmp_path / "faces")
    lines = (tmp_path / "faces/files.sha256").read_text().splitlines()
    assert len(lines) == 6
    for line in lines:
        sha256, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "faces" / name).read_bytes()).hexdigest() == sha256


def test_again_it_is_verified_without_the_network(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    first, _ = bring(entry(site), tmp_path / "faces")
    asked = len(site.asked)
    again, said = bring(entry(site), tmp_path / "faces")
    assert (again.already, again.record, said, len(site.asked)) == (True, first.record, [], asked)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda data: (data / "on/0.png").write_bytes(b"x"), r"1 changed \(set-1234/faces/on/0.png\)"),
        (lambda data: (data / "on/0.png").unlink(), r"1 missing \(set-1234/faces/on/0.png\)"),
        (lambda data: (data / "on/9.png").write_bytes(b"x"), r"1 new \(set-1234/faces/on/9.png\)"),
    ],
)
def test_altered_data_is_found_out(harm: Callable[[Path], Any], message: str, site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    fetched, _ = bring(entry(site), tmp_path / "faces")
    harm(fetched.data)
    with pytest.raises(DataError, match=f"was altered since it was fetched: {message}; remove that folder"):
        bring(entry(site), tmp_path / "faces")


def test_a_record_that_was_cut(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text('{"name": "fa')
    with pytest.raises(DataError, match=r"cannot read .*fetched.json .*; remove it"):
        bring(entry(site), tmp_path)
