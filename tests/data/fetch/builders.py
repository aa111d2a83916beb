"""What the tests of fetching share: patience that does not sleep, archives, and a small set of faces."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from maskwise.data.catalog import Entry
from maskwise.data.fetch import Fetched, Patience, fetch
from maskwise.data.fetch.download import download
from maskwise.model.config import from_mapping
from tests.data.fetch.site import Site

BODY = os.urandom(300_000)


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@dataclass
class Waits:
    """Stands for sleeping, and remembers how long."""

    waits: list[float] = field(default_factory=list)

    def __call__(self, wait_s: float) -> None:
        self.waits.append(wait_s)


def patient(waits: Waits | None = None, **more: Any) -> Patience:
    usual: dict[str, Any] = {"failures": 3, "enough_bytes": 1000, "silence_s": 5, "sleep": waits or Waits()}
    return Patience(**usual | more)


def get(site: Site, path: Path, url: str = "/a.bin", waits: Waits | None = None, **more: Any) -> list[str]:
    said: list[str] = []
    usual: dict[str, Any] = {"max_bytes": 10**7, "patience": patient(waits)}
    download(site.url + url, path, say=said.append, **usual | more)
    return said


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_link(name: str, target: str, mode: int = stat.S_IFLNK | 0o777) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info, target.encode()


def tarred(*members: tuple[str, bytes | tuple[bytes, str]], packing: str = "") -> bytes:
    """A tar; a pair of type and target instead of content makes a link or a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, tuple):
                info.type, info.linkname = data
                archive.addfile(info)
            else:
                info.size, info.mode = len(data), 0o777
                archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8), (shade, 0, 255 - shade)).save(buffer, "PNG")
    return buffer.getvalue()


def members(top: str = "set-1234/", masked: int = 3, unmasked: int = 2) -> list[tuple[str, bytes]]:
    return [
        *((f"{top}faces/on/{i}.png", picture(i)) for i in range(masked)),
        *((f"{top}faces/without_mask/{i}.png", picture(100 + i)) for i in range(unmasked)),
        (f"{top}README.md", b"hello"),
    ]


ARCHIVE = zipped(*members())


def entry(site: Site | None = None, **more: Any) -> Entry:
    """A set of faces; `get__files` replaces `files` in `get`."""
    table: dict[str, Any] = {
        "title": "Faces", "home": "https://example.org", "layout": "classes", "root": "*/faces", "name": "faces",
        "classes": {"on": "masked", "without_mask": "unmasked"},
        "licence": {"name": "CC0", "accept": False},
        "get": {"how": "download", "files": [{"url": f"{site.url if site else 'http://127.0.0.1:9'}/set.zip"}]},
        "counts": {"masked": 3, "unmasked": 2},
    }  # fmt: skip
    for key, value in more.items():
        inner, _, name = key.rpartition("__")
        (table[inner] if inner else table)[name] = value
    return from_mapping(Entry, "faces", table)


def bring(what: Entry, folder: Path, **more: Any) -> tuple[Fetched, list[str]]:
    said: list[str] = []
    return fetch(what, folder, patience=patient(), say=said.append, **more), said
