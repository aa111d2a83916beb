"""Unpacking: nothing hostile leaves the folder, fills the disk or stays as a link; the rest comes out as it went in."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
from pathlib import Path

import pytest

from maskwise.data.fetch import Limits
from maskwise.data.fetch.limits import Budget
from maskwise.data.fetch.unpack import unpack
from maskwise.errors import DataError
from tests.data.fetch.builders import BODY, left, tarred, zip_link, zipped


def encrypted() -> bytes:
    """A ZIP whose member says that it is encrypted."""
    data = bytearray(zipped(("a.jpg", b"secret")))
    data[6] |= 1  # in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # in the directory
    return bytes(data)


def twice_in_a_zip() -> bytes:
    data = zipped(("a.jpg", b"1"), ("b.jpg", b"2"))
    return data.replace(b"b.jpg", b"a.jpg")


def long_header() -> bytes:
    """A tar whose first header wants 2 MB of memory."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2_000_000
    return gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(2_000_000 + 10_240))


ZEROS = bytes(12_000_000)
HOSTILE = {
    "zip up": (lambda: zipped(("../a.jpg", b"x")), "leads out of the folder"),
    "zip up inside": (lambda: zipped(("a/../../b.jpg", b"x")), "leads out of the folder"),
    "zip up with backslashes": (lambda: zipped(("a\\..\\..\\b.jpg", b"x")), "leads out of the folder"),
    "zip absolute": (lambda: zipped(("/outside/a.jpg", b"x")), "is an absolute path"),
    "zip drive": (lambda: zipped(("C:\\a.jpg", b"x")), "is an absolute path"),
    "zip drive, relative": (lambda: zipped(("c:a.jpg", b"x")), "is an absolute path"),
    "zip share": (lambda: zipped(("\\\\host\\share\\a.jpg", b"x")), "is an absolute path"),
    "zip control character": (lambda: zipped(("a\n.jpg", b"x")), "has control characters"),
    "zip long name": (lambda: zipped(("a" * 300, b"x")), "too long or too deep"),
    "zip deep": (lambda: zipped(("a/" * 40 + "b", b"x")), "too long or too deep"),
    "zip link out": (lambda: zipped(zip_link("a.jpg", "../../etc/passwd")), "is a symbolic link .* out of the folder"),
    "zip link absolute": (lambda: zipped(zip_link("a.jpg", "/etc/passwd")), "is a symbolic link .* out of the folder"),
    "zip link to nothing": (lambda: zipped(zip_link("a.jpg", "b.jpg")), "which is no file that was unpacked"),
    "zip link, huge": (lambda: zipped(zip_link("a.jpg", "x" * 5000)), "is a link of 5,000 bytes"),
    "zip device": (lambda: zipped(zip_link("a.jpg", "", stat.S_IFCHR | 0o666)), "is a device"),
    "zip case": (lambda: zipped(("a/B.jpg", b"x"), ("a/b.JPG", b"y")), "differ only in spelling"),
    "zip case of folders": (lambda: zipped(("A/a.jpg", b"x"), ("a/b.jpg", b"y")), "differ only in spelling"),
    "zip unicode": (lambda: zipped(("\u00e9.jpg", b"x"), ("e\u0301.jpg", b"y")), "differ only in spelling"),
    "zip twice": (twice_in_a_zip, "is in it twice"),
    "zip file and folder": (lambda: zipped(("a", b"x"), ("a/b.jpg", b"y")), "is in it twice"),
    "zip many": (lambda: zipped(*((f"{i}.txt", b"") for i in range(200))), "more than 100 members"),
    "zip bomb": (lambda: zipped(("a.bmp", ZEROS)), "bytes would come out of"),
    "zip encrypted": (encrypted, "cannot be unpacked here .*unpack it by hand"),
    "zip broken": (lambda: zipped(("a.jpg", BODY))[:1000], "is broken"),
    "tar up": (lambda: tarred(("../a.jpg", b"x")), "leads out of the folder"),
    "tar absolute": (lambda: tarred(("/outside/a.jpg", b"x")), "is an absolute path"),
    "tar symlink out": (lambda: tarred(("a", (tarfile.SYMTYPE, "../.."))), "is a symbolic link .* out of the folder"),
    "tar symlink then through": (
        lambda: tarred(("a", (tarfile.SYMTYPE, "b")), ("a/c.jpg", b"x")),
        "is in it twice",
    ),
    "tar hardlink out": (
        lambda: tarred(("a", (tarfile.LNKTYPE, "../etc/passwd"))),
        "is a hard link .* out of the folder",
    ),
    "tar hardlink absolute": (
        lambda: tarred(("a", (tarfile.LNKTYPE, "/etc/passwd"))),
        "is a hard link .* out of the folder",
    ),
    "tar device": (lambda: tarred(("a", (tarfile.CHRTYPE, ""))), "is a device"),
    "tar pipe": (lambda: tarred(("a", (tarfile.FIFOTYPE, ""))), "is a device"),
    "tar case": (lambda: tarred(("B.jpg", b"x"), ("b.jpg", b"y")), "differ only in spelling"),
    "tar twice": (lambda: tarred(("b.jpg", b"x"), ("b.jpg", b"y")), "is in it twice"),
    "tar many": (lambda: tarred(*((f"{i}.txt", b"") for i in range(200))), "more than 100 members"),
    "tar.gz bomb": (lambda: tarred(("a.bmp", ZEROS), packing="gz"), "bytes would come out of"),
    "tar.xz bomb": (lambda: tarred(("a.bmp", ZEROS), packing="xz"), "bytes would come out of"),
    "tar.gz bomb of links": (
        lambda: tarred(("a", ZEROS[:4_000_000]), *((f"{i}", (tarfile.LNKTYPE, "a")) for i in range(9)), packing="gz"),
        "bytes would come out of",
    ),
    "tar.gz long header": (long_header, "a header of it has 2,000,000 bytes"),
    "tar.gz cut": (lambda: tarred(("a.jpg", BODY), packing="gz")[:2000], "is broken"),
    "tar.xz cut": (lambda: tarred(("a.jpg", BODY), packing="xz")[:2000], "is broken"),
    "rar": (lambda: b"Rar!\x1a\x07\x00" + BODY, "is a RAR archive.*unrar x .* with --from"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c" + BODY, "is a 7z archive.*7z x .* with --from"),
    "no archive": (lambda: b"<html>sign in</html>", "is neither ZIP nor tar"),
    "nothing": (lambda: b"", "is neither ZIP nor tar"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(kind: str, tmp_path: Path) -> None:
    make, message = HOSTILE[kind]
    archive, target = tmp_path / "a.bin", tmp_path / "deep" / "in" / "target"
    archive.write_bytes(make())
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message):
        unpack(archive, target, Budget(Limits(members=100)))
    written = set(tmp_path.rglob("*")) - before
    assert all(path == target or target in path.parents or path in target.parents for path in written)
    assert not any(path.is_symlink() for path in written)


GOOD = {
    "zip": lambda *members: zipped(*members),
    "tar": lambda *members: tarred(*members),
    "tar.gz": lambda *members: tarred(*members, packing="gz"),
    "tar.xz": lambda *members: lzma.compress(tarred(*members)),
    "tar.bz2": lambda *members: bz2.compress(tarred(*members)),
}


@pytest.mark.parametrize("kind", GOOD)
class TestUnpack:
    def test_files_come_out_as_they_went_in(self, kind: str, tmp_path: Path) -> None:
        archive = tmp_path / "a.bin"
        archive.write_bytes(GOOD[kind](("top/a/1.jpg", BODY), ("top/a/2.jpg", b""), ("./top/b/1.jpg", b"one")))
        unpack(archive, tmp_path / "out", Budget(Limits()))
        assert left(tmp_path / "out") == ["top/a/1.jpg", "top/a/2.jpg", "top/b/1.jpg"]
        assert (tmp_path / "out/top/a/1.jpg").read_bytes() == BODY
        assert (tmp_path / "out/top/b/1.jpg").read_bytes() == b"one"

    def test_no_modes_are_taken_over(self, kind: str, tmp_path: Path) -> None:
        archive = tmp_path / "a.bin"
        archive.write_bytes(GOOD[kind](("a.sh", b"#!/bin/sh")))
        unpack(archive, tmp_path / "out", Budget(Limits()))
        assert not (tmp_path / "out/a.sh").stat().st_mode & 0o111

    def test_what_is_not_wanted_is_not_written(self, kind: str, tmp_path: Path) -> None:
        archive = tmp_path / "a.bin"
        archive.write_bytes(GOOD[kind](("x/data/a/1.jpg", b"1"), ("x/A.txt", b""), ("x/a.TXT", b""), ("x/b.md", b"")))
        unpack(archive, tmp_path / "out", Budget(Limits()), keep=["*/data/*", "*/b.md"])
        assert left(tmp_path / "out") == ["x/b.md", "x/data/a/1.jpg"]


@pytest.mark.parametrize("kind", ["symbolic", "hard", "zip"])
def test_a_link_inside_becomes_a_copy(kind: str, tmp_path: Path) -> None:
    link = (tarfile.SYMTYPE, "../a/1.jpg") if kind == "symbolic" else (tarfile.LNKTYPE, "a/1.jpg")
    made = (
        zipped(zip_link("b/2.jpg", "../a/1.jpg"), ("a/1.jpg", b"one"))
        if kind == "zip"
        else tarred(("a/1.jpg", b"one"), ("b/2.jpg", link))
    )
    (tmp_path / "a.bin").write_bytes(made)
    unpack(tmp_path / "a.bin", tmp_path / "out", Budget(Limits()))
    assert (tmp_path / "out/b/2.jpg").read_bytes() == b"one"
    assert not (tmp_path / "out/b/2.jpg").is_symlink()
