"""An append-only record of what was running and what it told, each line sealed by the hash of all lines before it.

Nobody can change, take out or put in a line without every later seal being wrong. Cutting off the end cannot be seen
from the file alone: keep the last seal elsewhere (`maskwise audit-log verify` prints it) and compare. No picture, box
or face is ever part of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from maskwise.errors import InputError, StorageError

FIRST = "0" * 64
"""The seal before the first line."""

BLOCK = 4096
"""Bytes read at once on the way back from the end to the last line."""

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a record found.

    entries: sound ones, from the beginning.
    seal: of the last sound entry.
    broken: what is wrong with the entry after it; None where all are sound.
    """

    entries: int
    seal: str
    broken: str | None = None


class AuditLog:
    """Adds entries to a record; several programs may do so at once."""

    def __init__(self, path: Path, now: Now = lambda: datetime.now(UTC)) -> None:
        """Open the record, or begin one.

        Raises:
            StorageError: it cannot be written.
            InputError: what is there is not sound: nothing is added to it, so that what happened can be looked into.
        """
        self._path, self._now = path, now
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)  # who signed in when is not for everybody
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
        found = verify(path)
        if found.broken:
            raise InputError(f"{path}: {found.broken}; nothing is added to it: keep it, and name a new file")

    def add(self, kind: str, facts: Mapping[str, Any]) -> str:
        """Append an entry and see it onto the disk; returns its seal.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            with self._path.open("r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                number, seal = _last(_end_of(file))
                entry = {
                    "n": number + 1,
                    "at": self._now().isoformat(),
                    "kind": kind,
                    "facts": dict(facts),
                    "before": seal,
                }
                sealed = {**entry, "seal": _seal(entry)}
                _append(file, _line(sealed))
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror or error}") from error
        return str(sealed["seal"])


def _append(file: FileIO, line: bytes) -> None:
    """All of the line or nothing of it: half of one, of a disk that is full, would be the end of the record."""
    end, rest = file.seek(0, os.SEEK_END), line
    try:
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def verify(path: Path, kept: str | None = None) -> Checked:
    """Check every seal of a record, from the beginning, a line at a time.

    Args:
        path: the record.
        kept: a seal of it that was kept elsewhere; if it is not there, the end was cut off.

    Raises:
        InputError: it cannot be read.
    """
    seal, count, known = FIRST, 0, kept is None
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                broken = _fault(line, number, seal)
                if broken:
                    return Checked(count, seal, broken)
                seal, count = json.loads(line)["seal"], number
                known = known or seal == kept
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return Checked(count, seal, None if known else f"the seal {kept} is not in it: its end was cut off")


def _fault(line: bytes, number: int, before: str) -> str | None:
    """What is wrong with a line, in words."""
    try:
        entry = json.loads(line)
        seal = entry.pop("seal")
        whole = line.endswith(b"\n")
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        return f"line {number} is no entry: it was cut off or written by something else"
    if entry.get("n") != number or entry.get("before") != before:
        return f"line {number} does not follow the line before it: lines were taken out, put in or moved"
    if seal != _seal(entry):
        return f"line {number} was changed after it was written"
    return None


def _end_of(file: FileIO) -> bytes:
    """The last line: a record of years must not be read whole for each alarm."""
    at, tail = file.seek(0, os.SEEK_END), b""
    while at and b"\n" not in tail[:-1]:
        step = min(BLOCK, at)
        at = file.seek(at - step)
        tail = file.read(step) + tail
    return tail[:-1].rpartition(b"\n")[2]


def _last(line: bytes) -> tuple[int, str]:
    """Number and seal of the last entry."""
    if not line:
        return 0, FIRST
    last = json.loads(line)
    return int(last["n"]), str(last["seal"])


def _seal(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
