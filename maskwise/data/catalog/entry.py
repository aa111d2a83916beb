"""What the catalog says of one set. Each class is a table of the TOML; unknown keys and wrong values are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.errors import ConfigError
from maskwise.values import LABELS

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Licence:
    """What may be done with the pictures.

    name: as its publisher names it, or that none is stated.
    accept: whether it has to be accepted before a fetch: non-commercial, or not clear.
    url: where it stands.
    note: what else has to be known, one sentence.
    source: where this was read.
    """

    name: str
    accept: bool
    url: str = ""
    note: str = ""
    source: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return ". ".join(part.rstrip(".") for part in (self.name, self.note, self.url) if part)


@dataclass(frozen=True, slots=True)
class File:
    """One file to download.

    url: http or https, without a password in it.
    name: what it is called on disk; empty takes the last part of the URL.
    sha256: of its bytes, hexadecimal; empty where nobody has published it.
    bytes: its size; 0 where it is not known.
    stable: whether the server sends the same bytes each time; archives that a git host packs anew are not, so their
        contents are compared instead of their own hash.
    unpack: whether it is an archive to be unpacked.
    """

    url: str
    name: str = ""
    sha256: str = ""
    bytes: int = 0
    stable: bool = True
    unpack: bool = True

    def __post_init__(self) -> None:
        check_url("url", self.url)
        check_sha256("sha256", self.sha256)
        if self.bytes < 0:
            raise ConfigError(f"bytes: {self.bytes} is less than nothing; leave it out where the size is not known")
        if self.sha256 and not self.stable:
            raise ConfigError("sha256: an archive that is packed anew each time has no fixed one; use get.tree_sha256")
        if PurePosixPath(self.name).name != self.name or "\\" in self.name or self.filename in ("", ".", ".."):
            raise ConfigError(f"name: {self.name or self.url!r} is no plain file name; give one, as in name = 'a.zip'")

    @property
    def filename(self) -> str:
        """What it is called on disk."""
        return self.name or PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True, slots=True)
class Get:
    """How the data is got.

    how: `download` does it all; `by hand` explains the steps and takes what --from names.
    files: what to download, or what `by hand` ends up with, where that is known.
    steps: for people, one sentence each.
    tree_sha256: of the list of all unpacked files with their hashes; empty where nobody has published it.
    inner: archives inside the archive that are unpacked too, as paths after unpacking; `*` stands for any name.
    keep: paths in the archive that are wanted, `*` stands for anything; empty keeps all.
    """

    how: Literal["download", "by hand"]
    files: tuple[File, ...] = ()
    steps: tuple[str, ...] = ()
    tree_sha256: str = ""
    inner: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_sha256("tree_sha256", self.tree_sha256)
        if self.how == "download" and not self.files:
            raise ConfigError("get.files: a set that is downloaded needs at least one; or say how = 'by hand'")
        if self.how == "by hand" and not self.steps:
            raise ConfigError("get.steps: a set that is got by hand needs at least one step")
        names = [file.filename.casefold() for file in self.files]
        if len(set(names)) < len(names):
            raise ConfigError("get.files: two files have the same name; give each its own name = '...'")


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is.

    of: what masked, incorrect, unmasked and not_a_face count.
    pictures, masked, incorrect, unmasked, not_a_face: 0 where it is not known, or where the set has no such label.
    exact: whether another number is an error, not just something to tell.
    source: where the numbers were read.
    """

    of: Literal["pictures", "faces"] = "pictures"
    pictures: int = 0
    masked: int = 0
    incorrect: int = 0
    unmasked: int = 0
    not_a_face: int = 0
    exact: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        for name, count in self.known.items():
            if count < 0:
                raise ConfigError(f"counts.{name}: {count} is less than nothing; leave it out where it is not known")

    @property
    def known(self) -> dict[str, int]:
        """Numbers other than 0, by name."""
        names = ("pictures", *LABELS)
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with the data, in one sentence, and where that was read or measured."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One set.

    title: what people call it.
    home: its page.
    masks: whether people wear the masks, or they were drawn onto bare faces.
    layout: a format that `maskwise data import` reads, or `lists`: annotations whose pictures are got elsewhere.
    root: folder with the data inside what is unpacked; `*` stands for any one name; empty is the top.
    classes: what the set's class names stand for: masked, incorrect, unmasked, not_a_face or ignore.
    summary: what is wrong with it in a few words, for tables.
    unverified: what nobody could check for this catalog.
    """

    title: str
    home: str
    layout: Literal["classes", "identities", "voc", "yolo", "coco", "csv", "manifest", "lists"]
    classes: dict[str, str]
    licence: Licence
    get: Get
    masks: Literal["worn", "drawn", "worn and drawn", "not known"] = "not known"
    root: str = ""
    counts: Counts = field(default_factory=Counts)
    summary: str = ""
    problems: tuple[Problem, ...] = ()
    unverified: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        check_url("home", self.home)
        if self.name and not _NAME.fullmatch(self.name):
            raise ConfigError(f"{self.name!r} is no name of a set; use small letters, digits, '-', '_' and '.'")
        if not self.classes:
            raise ConfigError("classes: say what the class names stand for, as in with_mask = 'masked'")
        for name, label in self.classes.items():
            if label not in (*LABELS, IGNORE):
                raise ConfigError(
                    f"classes.{name}: {label!r} is not a class; use one of {', '.join((*LABELS, IGNORE))}"
                )
        for pattern in (self.root, *self.get.inner):
            if ".." in PurePosixPath(pattern).parts or pattern.startswith("/") or "\\" in pattern:
                raise ConfigError(f"{pattern!r} has to be a path inside what is unpacked, with '/' between folders")

    @property
    def aliases(self) -> dict[str, str]:
        """The class names that `maskwise data import` has to be told."""
        known = Labels()
        return {name: label for name, label in self.classes.items() if known.find(name) != label}

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the set has, in the usual order."""
        return tuple(label for label in LABELS if label in self.classes.values())


def check_url(key: str, url: str) -> None:
    """Refuse what is no plain web address.

    Raises:
        ConfigError: another scheme than http and https, no host, or a user's name in it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{key}: {url!r} is no http or https address")
    if "@" in parts.netloc:
        raise ConfigError(f"{key}: an address must hold no user name or password; download such a file by hand")


def check_sha256(key: str, text: str) -> None:
    """Refuse what is neither empty nor a SHA-256 in small letters.

    Raises:
        ConfigError: something else.
    """
    if text and not _SHA256.fullmatch(text):
        raise ConfigError(f"{key}: {text!r} is no SHA-256; it has 64 digits 0-9a-f")


def named(name: str, entry: Mapping[str, object]) -> dict[str, object]:
    """A table of the TOML with its own name in it.

    Raises:
        ConfigError: the table names itself, too.
    """
    if "name" in entry:
        raise ConfigError(f"unknown key {name}.name; the set is called as its table, [{name}]")
    return {**entry, "name": name}
