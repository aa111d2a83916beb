"""What an archive may hold: sane names and sane amounts. Everything else is refused before it is written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from maskwise.errors import DataError

_DRIVE = re.compile(r"[A-Za-z]:")
_PART_BYTES, _PATH_BYTES, _DEPTH = 255, 1024, 32  # what file systems take
_SLACK = 10_000_000  # so much may come out of the smallest archive: text compresses well


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may come out of the archives of one set.

    members: files, folders and links together.
    total_bytes: all files together.
    ratio: bytes unpacked for each byte of the archives; pictures hardly compress, bombs do.
    """

    members: int = 500_000
    total_bytes: int = 200_000_000_000
    ratio: int = 100


@dataclass(slots=True)
class Budget:
    """What is used up of the limits, and the names that are taken.

    packed_bytes: size of the archives that were opened so far.
    """

    limits: Limits
    packed_bytes: int = 0
    members: int = 0
    bytes: int = 0
    _taken: dict[str, tuple[str, bool]] = field(default_factory=dict)

    @property
    def most_bytes(self) -> int:
        """How much may come out in all."""
        return min(self.limits.total_bytes, self.limits.ratio * self.packed_bytes + _SLACK)

    def count(self) -> None:
        """One more member, wanted or not.

        Raises:
            DataError: too many.
        """
        self.members += 1
        if self.members > self.limits.members:
            raise DataError(f"it has more than {self.limits.members:,} members")

    def spend(self, size: int) -> None:
        """So many more bytes.

        Raises:
            DataError: too many in all, or too many for an archive of this size.
        """
        self.bytes += size
        if self.bytes > self.most_bytes:
            raise DataError(f"more than {self.most_bytes:,} bytes would come out of {self.packed_bytes:,}, like a bomb")

    def take(self, path: PurePosixPath, *, folder: bool = False) -> None:
        """Reserve a name, and those of the folders above it.

        Raises:
            DataError: it is taken, by itself or in another spelling, which is the same file on some systems.
        """
        for above in reversed(path.parents[:-1]):
            self._take(str(above), folder=True)
        self._take(str(path), folder=folder)

    def _take(self, name: str, *, folder: bool) -> None:
        key = unicodedata.normalize("NFC", name).casefold()
        taken = self._taken.get(key)
        if taken is None:
            self._taken[key] = name, folder
        elif taken[0] != name:
            raise DataError(f"{name!r} and {taken[0]!r} differ only in spelling, which some systems do not tell apart")
        elif not (folder and taken[1]):
            raise DataError(f"{name!r} is in it twice")


def member_path(name: str) -> PurePosixPath:
    """Where a member goes inside the target folder; "." is the folder itself.

    Raises:
        DataError: a name that leads out of the folder, or that file systems do not take.
    """
    plain = name.replace("\\", "/")  # as archives made on Windows may have it
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or _DRIVE.match(plain):
        raise DataError(f"{name!r} is an absolute path")
    if ".." in parts:
        raise DataError(f"{name!r} leads out of the folder")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in plain):
        raise DataError(f"{name!r} has control characters in its name")
    if len(parts) > _DEPTH or len(plain.encode()) > _PATH_BYTES or any(len(p.encode()) > _PART_BYTES for p in parts):
        raise DataError(f"{name[:60]!r}... is too long or too deep a name")
    return PurePosixPath(*parts)
