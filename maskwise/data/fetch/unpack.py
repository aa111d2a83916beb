"""Unpack ZIP and tar archives that may be hostile.

Names, sizes and numbers are checked before anything is written, see limits.py. Of a member only its bytes are taken:
no modes, owners or times. A link inside the archive becomes a copy of the file it means; any other link, and every
device, is refused.
"""

from __future__ import annotations

import fnmatch
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from maskwise.data.fetch.limits import Budget, member_path
from maskwise.errors import DataError, StorageError

_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, ValueError)
_BY_HAND = {b"Rar!\x1a\x07": ("RAR", "unrar x"), b"7z\xbc\xaf\x27\x1c": ("7z", "7z x")}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED_TAR = {b"\x1f\x8b": "gz", b"\xfd7zXZ\x00": "xz", b"BZh": "bz2"}
_HEADER_TYPES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, *tarfile.GNU_TYPES[:2])
_MOST_HEADER_BYTES = 1 << 20  # of a tar's long names and such, which tarfile reads into memory


@dataclass(frozen=True, slots=True)
class _Member:
    """One thing in an archive, of whatever kind.

    target: what a link means, as written; symbolic links start from the folder that they lie in.
    """

    name: str
    kind: Literal["file", "folder", "symbolic link", "hard link", "device"]
    size: int = 0
    target: str = ""
    open: Callable[[], IO[bytes] | None] = lambda: None


def unpack(
    archive: Path,
    folder: Path,
    budget: Budget,
    *,
    keep: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write what an archive holds into a folder, which may hold other files already.

    Args:
        archive: a ZIP, a tar, or a tar packed with gzip, xz or bzip2; known by its content, not by its name.
        folder: where to; made when it is not there.
        budget: limits and names, shared by all archives of a set.
        keep: patterns of wanted paths, `*` stands for anything; empty wants all. Names are checked all the same.
        progress: called with (bytes written, 0), since nobody knows the sum.

    Raises:
        DataError: no archive that can be read, or one that breaks a rule; what was written before stays.
        StorageError: the folder cannot be written.
    """
    members = _members(archive)
    links: list[tuple[PurePosixPath, PurePosixPath]] = []
    try:
        budget.packed_bytes += archive.stat().st_size
        for member in members:
            budget.count()
            budget.spend(member.size)  # of what is not wanted too: a tar has to be unpacked to get past it
            path = member_path(member.name)
            if _wanted(path, keep):
                _write(member, path, folder, budget, links)
            if progress:
                progress(budget.bytes, 0)
        for path, target in links:
            _copy(path, target, folder, budget)
    except DataError as error:
        raise DataError(f"{archive.name} is not unpacked: {error}; do not use it, and tell its publisher") from error
    except _BROKEN as error:
        raise DataError(f"{archive.name} is broken ({error}); fetch it again") from error
    except (RuntimeError, NotImplementedError) as error:  # how zipfile tells of passwords and of rare compressions
        raise DataError(f"{archive.name} cannot be unpacked here ({error}); unpack it by hand") from error
    except OSError as error:
        raise StorageError(f"cannot unpack into {folder}: {error.strerror or error}; free some space there") from error


def _wanted(path: PurePosixPath, keep: Sequence[str]) -> bool:
    return path.parts != () and (not keep or any(fnmatch.fnmatchcase(str(path), pattern) for pattern in keep))


def _write(
    member: _Member, path: PurePosixPath, folder: Path, budget: Budget, links: list[tuple[PurePosixPath, PurePosixPath]]
) -> None:
    match member.kind:
        case "folder":
            budget.take(path, folder=True)
            (folder / path).mkdir(parents=True, exist_ok=True)
        case "file":
            budget.take(path)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _save(member, folder / path)
        case "symbolic link" | "hard link":
            budget.take(path)
            links.append((path, _meant(member, path)))
        case "device":
            raise DataError(f"{member.name!r} is a device")


def _save(member: _Member, path: Path) -> None:
    """Write no more than was announced and paid for."""
    source = member.open()
    if source is None:
        raise DataError(f"{member.name!r} has no content")
    left = member.size
    with source, path.open("xb") as file:
        while block := source.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise DataError(f"{member.name!r} is larger than the archive says")
            file.write(block)
    if left:
        raise EOFError(f"{member.name!r} ends early")


def _meant(member: _Member, path: PurePosixPath) -> PurePosixPath:
    """The file that a link means, inside the archive."""
    start = path.parent if member.kind == "symbolic link" else PurePosixPath()
    parts: list[str] = []
    if member.target.startswith(("/", "\\")) or member.target[1:2] == ":":
        raise DataError(f"{member.name!r} is a {member.kind} to {member.target!r}, out of the folder")
    for part in (start / member.target.replace("\\", "/")).parts:
        if part == ".." and not parts:
            raise DataError(f"{member.name!r} is a {member.kind} to {member.target!r}, out of the folder")
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def _copy(path: PurePosixPath, target: PurePosixPath, folder: Path, budget: Budget) -> None:
    """Put a copy where a link was; nothing below the folder is a link, so none can lead out."""
    source = folder / target
    if not source.is_file():
        raise DataError(f"the link {str(path)!r} means {str(target)!r}, which is no file that was unpacked")
    budget.spend(source.stat().st_size)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / path)


def _members(archive: Path) -> Iterator[_Member]:
    with archive.open("rb") as file:
        head = file.read(512)
    for mark, (kind, command) in _BY_HAND.items():
        if head.startswith(mark):
            raise DataError(
                f"{archive.name} is a {kind} archive, which maskwise does not open; run `{command} {archive.name}` "
                "and name the folder that comes out with --from"
            )
    if head.startswith(_ZIP):
        return _zip_members(archive)
    packed = next((kind for mark, kind in _PACKED_TAR.items() if head.startswith(mark)), "")
    if packed or head[257:262] == b"ustar":
        return _tar_members(archive, packed)
    raise DataError(f"{archive.name} is neither ZIP nor tar, perhaps a page of a web site; look into it")


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = info.external_attr >> 28  # the upper four bits of the Unix mode
            if info.is_dir():
                yield _Member(info.filename, "folder")
            elif kind == 0o12:
                if info.file_size > 4096:
                    raise DataError(f"{info.filename!r} is a link of {info.file_size:,} bytes")
                target = opened.read(info).decode("utf-8", "replace")
                yield _Member(info.filename, "symbolic link", target=target)
            elif kind not in (0, 0o10):
                yield _Member(info.filename, "device")
            else:
                yield _Member(info.filename, "file", info.file_size, open=partial(opened.open, info))


def _tar_members(archive: Path, packed: str) -> Iterator[_Member]:
    # A stream is read once from front to back, as it must be to count what comes out.
    with tarfile.open(archive, f"r|{packed}", tarinfo=_Header) as opened:  # type: ignore[call-overload]  # the mode is put together
        for info in opened:
            if info.isdir():
                yield _Member(info.name, "folder")
            elif info.issym():
                yield _Member(info.name, "symbolic link", target=info.linkname)
            elif info.islnk():
                yield _Member(info.name, "hard link", target=info.linkname)
            elif info.isreg():
                yield _Member(info.name, "file", info.size, open=partial(opened.extractfile, info))
            else:
                yield _Member(info.name, "device")


class _Header(tarfile.TarInfo):
    """Refuses headers that would fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _HEADER_TYPES and header.size > _MOST_HEADER_BYTES:
            raise DataError(f"a header of it has {header.size:,} bytes")
        return header
