"""What is kept of a fetch: fetched.json, for people and for the next fetch into the same folder."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from maskwise.errors import ConfigError, DataError
from maskwise.model.config import from_mapping
from maskwise.model.storage import written_whole

RECORD, FILES, DATA = "fetched.json", "files.sha256", "data"
_SCHEMA = 1

Trust = Literal["catalog", "user", "first use"]
"""Who says that a hash is the right one: the catalog, the user (--sha256), or nobody yet."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One file that was downloaded, or handed in.

    name: what it was called.
    url: where from; empty where it was handed in.
    bytes, sha256: of the file.
    trust: who vouches for the hash.
    stable: whether the same file has to come next time; else only its contents count.
    """

    name: str
    url: str
    bytes: int
    sha256: str
    trust: Trust
    stable: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """fetched.json.

    name: of the set.
    at: when, UTC.
    licence: the line that was shown.
    accepted: whether the user accepted it by --accept-licence.
    archives: what it was made of.
    files, tree_sha256: what was unpacked, see files.sha256.
    root: folder of the data inside `data`; "." is the top.
    counts: what was found: pictures, and pictures or faces of each class.
    remarks: where that differs from the catalog.
    """

    name: str
    at: str
    licence: str
    accepted: bool
    archives: tuple[Archive, ...]
    files: int
    tree_sha256: str
    root: str
    counts: dict[str, int]
    remarks: tuple[str, ...] = ()
    schema: int = _SCHEMA


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set that is there.

    folder: the one that was asked for.
    data: the folder to import.
    layout, aliases: how to import it.
    already: whether it was there before; then nothing was fetched.
    """

    folder: Path
    data: Path
    layout: str
    record: Record
    aliases: dict[str, str] = field(default_factory=dict)
    already: bool = False

    @property
    def command(self) -> str:
        """The `maskwise data import` line; empty where pictures are missing yet."""
        if self.layout == "lists":
            return ""
        aliases = [word for name, label in self.aliases.items() for word in ("--alias", f"{name}={label}")]
        words = ["maskwise", "data", "import", str(self.data), "--format", self.layout, *aliases]
        return shlex.join([*words, "--source", self.record.name, "-o", f"{self.record.name}.parquet"])

    def to_mapping(self) -> dict[str, Any]:
        """For JSON."""
        where = {"folder": str(self.folder), "data": str(self.data), "layout": self.layout}
        return {**where, "already": self.already, "import": self.command, **asdict(self.record)}


def load(folder: Path) -> Record | None:
    """What was fetched into a folder; None where nothing was.

    Raises:
        DataError: a record that cannot be read.
    """
    path = folder / RECORD
    try:
        return from_mapping(Record, "", json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ConfigError) as error:
        raise DataError(f"cannot read {path} ({error}); remove it, and the data is fetched again") from error


def save(record: Record, folder: Path) -> None:
    """Write fetched.json.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(folder / RECORD) as path:
        path.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
