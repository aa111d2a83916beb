"""From an entry of the catalog to a folder of data: all of it, or nothing."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maskwise.data.fetch import tree
from maskwise.data.formats import read_dataset
from maskwise.errors import ConfigError, DataError
from tests.data.fetch.builders import ARCHIVE, bring, entry, left, members, tarred, zipped
from tests.data.fetch.site import Page, Site


def test_a_set_is_fetched_verified_and_recorded(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    sha256 = hashlib.sha256(ARCHIVE).hexdigest()
    what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "sha256": sha256, "bytes": len(ARCHIVE)}])
    fetched, said = bring(what, tmp_path / "faces")
    assert fetched.data == tmp_path / "faces/data/set-1234/faces"
    assert fetched.record.counts == {"pictures": 5, "masked": 3, "unmasked": 2}
    assert [(a.trust, a.sha256) for a in fetched.record.archives] == [("catalog", sha256)]
    assert not fetched.already
    assert said == []
    assert {p.name for p in (tmp_path / "faces").iterdir()} == {"data", "fetched.json", "files.sha256"}
    assert fetched.command == (
        f"maskwise data import {fetched.data} --format classes --alias on=masked --source faces -o faces.parquet"
    )


def test_what_it_says_to_import_can_be_imported(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    fetched, _ = bring(entry(site), tmp_path / "faces")
    manifest = read_dataset(fetched.data, format=fetched.layout, aliases=fetched.aliases)
    assert manifest.usable["label"].to_list() == ["masked"] * 3 + ["unmasked"] * 2


def test_several_files_and_one_that_is_no_archive(site: Site, tmp_path: Path) -> None:
    names = ["a.tar.gz", "b.zip", "notes.txt"]
    site.pages["/a.tar.gz"] = Page(tarred(*members(unmasked=0)[:-1], packing="gz"))
    site.pages["/b.zip"] = Page(zipped(*members(masked=0)))
    site.pages["/notes.txt"] = Page(b"notes")
    files = [{"url": f"{site.url}/{name}", "unpack": not name.endswith("txt")} for name in names]
    fetched, _ = bring(entry(site, get__files=files), tmp_path / "faces")
    assert fetched.record.counts["pictures"] == 5
    assert (tmp_path / "faces/data/notes.txt").read_bytes() == b"notes"


def test_an_archive_inside_the_archive(site: Site, tmp_path: Path) -> None:
    inner = tarred(("lists/a.txt", b"1"), packing="gz")
    site.pages["/set.zip"] = Page(zipped(("set/inner.tgz", inner), ("set/b.txt", b"2")))
    what = entry(site, layout="lists", root="", get__inner=["*/inner.tgz"], counts={})
    fetched, _ = bring(what, tmp_path / "faces")
    assert left(fetched.data) == ["set/b.txt", "set/inner/lists/a.txt"]
    assert fetched.command == ""


def test_a_licence_has_to_be_accepted_before_anything_is_asked(site: Site, tmp_path: Path) -> None:
    what = entry(site, licence={"name": "CC BY-NC", "accept": True, "url": "https://example.org/nc"})
    site.pages["/set.zip"] = Page(ARCHIVE)
    with pytest.raises(ConfigError, match=r"CC BY-NC. https://example.org/nc. Fetch it with --accept-licence"):
        bring(what, tmp_path / "faces")
    assert (site.asked, left(tmp_path)) == ([], [])
    fetched, _ = bring(what, tmp_path / "faces", accepted=True)
    assert fetched.record.accepted
    shutil.rmtree(tmp_path / "faces/data")
    bring(what, tmp_path / "faces")  # accepted for this folder


def test_a_limit_of_the_catalog(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "bytes": 100}])
    with pytest.raises(DataError, match="allowed are 110"):
        bring(what, tmp_path)


def test_a_hostile_archive_leaves_no_half_folder(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(zipped(*members(), ("../../../up.png", b"x")))
    with pytest.raises(DataError, match="leads out of the folder"):
        bring(entry(site), tmp_path / "faces")
    assert left(tmp_path) == ["faces/download/set.zip.wrong"]


def test_interrupted_while_unpacking(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    site.pages["/set.zip"] = Page(ARCHIVE)
    with monkeypatch.context() as patch:
        patch.setattr(tree, "hash_tree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bring(entry(site), tmp_path / "faces")
    assert left(tmp_path / "faces") == ["download/set.zip"]
    (tmp_path / "faces/data.partial").mkdir()  # as if it had been killed
    bring(entry(site), tmp_path / "faces")
    assert len(site.asked) == 1  # the download was complete


def test_a_folder_that_is_somebody_elses(site: Site, tmp_path: Path) -> None:
    (tmp_path / "faces/data").mkdir(parents=True)
    with pytest.raises(DataError, match="was not made by a fetch; name another folder with -o"):
        bring(entry(site), tmp_path / "faces")


def test_a_folder_that_holds_another_set(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    bring(entry(site), tmp_path / "x")
    with pytest.raises(DataError, match="holds the set faces; name another folder for others with -o"):
        bring(entry(site, name="others"), tmp_path / "x")


def test_nothing_is_fetched_by_importing() -> None:
    code = "import socket; socket.socket.connect = None; import maskwise.data.fetch, maskwise.data.catalog"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
