"""Fetching against a real server on this machine, which drops connections, lies and sends hostile archives."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from maskwise.data.catalog import Entry, public
from maskwise.data.fetch import Fetched, Limits, Patience, download, fetch
from maskwise.data.fetch.limits import Budget
from maskwise.data.fetch.unpack import unpack
from maskwise.errors import ConfigError, DataError, StorageError
from maskwise.model.config import from_mapping

BODY = os.urandom(300_000)


@dataclass
class Page:
    """What the server does with one address.

    first: answers before the real one, as (status, headers).
    cut: after how many bytes of its body each answer breaks off, one after the other.
    hold: after how many bytes the server waits for `released`.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    first: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    chunked: bool = False
    ranges: bool = True
    length: bool = True
    hold: int | None = None
    later: Callable[[Page], None] = lambda _page: None


class Site:
    """A server, its pages, and what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.sent = 0
        self.released = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path)
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))
        if page is None:
            request.send_error(404)
            return
        if page.first:
            status, headers = page.first.pop(0)
            self._head(request, status, headers | {"Content-Length": "0"})
            return
        same = request.headers.get("If-Range") in (None, page.headers.get("ETag"), page.headers.get("Last-Modified"))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and page.ranges and same else 0
        headers = dict(page.headers)
        if start and start >= len(page.body):
            self._head(request, 416, headers | {"Content-Range": f"bytes */{len(page.body)}", "Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
        if page.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif page.length:
            headers["Content-Length"] = str(len(page.body) - start)
        self._head(request, 206 if start else 200, headers)
        self._body(request, page, page.body[start:])

    def _head(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        request.send_header("Connection", "close")
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def _body(self, request: BaseHTTPRequestHandler, page: Page, body: bytes) -> None:
        if page.chunked:
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        broken = page.cut.pop(0) if page.cut else None
        body = body[:broken]
        held = len(body) if page.hold is None else page.hold
        self._send(request, body[:held])
        if page.hold is not None:
            page.hold = None
            self.released.wait(20)
            self._send(request, body[held:])
        if broken is not None:
            request.close_connection = True
        page.later(page)

    def _send(self, request: BaseHTTPRequestHandler, data: bytes) -> None:
        try:
            request.wfile.write(data)
            request.wfile.flush()
            self.sent += len(data)
        except OSError:  # the other side was killed
            request.close_connection = True


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served = Site()
    yield served
    served.released.set()
    served.server.shutdown()
    served.server.server_close()


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
    download.download(site.url + url, path, say=said.append, **usual | more)
    return said


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class TestDownload:
    def test_a_file_appears_whole_and_nothing_beside_it(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY)
        seen: list[tuple[int, int]] = []
        get(site, tmp_path / "in" / "a.bin", progress=lambda done, total: seen.append((done, total)))
        assert (tmp_path / "in" / "a.bin").read_bytes() == BODY
        assert left(tmp_path) == ["in/a.bin"]
        assert seen[-1] == (len(BODY), len(BODY))

    def test_dropped_connections_cost_nothing_that_had_come(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, cut=[50_000, 1, 70_000, 20_000, 0])
        said = get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY
        assert site.sent == len(BODY)  # each byte once
        assert [wanted for _, wanted in site.asked][1:3] == ["bytes=50000-", "bytes=50001-"]
        assert len(said) == 5
        assert "trying again in 1 s" in said[0]

    @pytest.mark.parametrize(
        ("page", "why"),
        [
            (Page(BODY, ranges=False, cut=[100_000]), "a server without ranges"),
            (Page(BODY, headers={}, cut=[100_000]), "no ETag, so nobody knows whether it is the same file"),
            (Page(BODY, headers={"ETag": 'W/"1"'}, cut=[100_000]), "a weak ETag says nothing of bytes"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_starts_over_where_it_cannot_go_on(self, page: Page, why: str, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = page
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY, why
        assert site.sent == len(BODY) + 100_000

    def test_last_modified_is_enough_to_go_on(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, headers={"Last-Modified": "Mon, 01 Jun 2020 10:00:00 GMT"}, cut=[100_000])
        get(site, tmp_path / "a.bin")
        assert site.sent == len(BODY)

    def test_a_file_that_changes_meanwhile_is_never_mixed(self, site: Site, tmp_path: Path) -> None:
        def change(page: Page) -> None:
            page.body, page.headers = BODY[::-1], {"ETag": '"2"'}

        site.pages["/a.bin"] = Page(BODY, cut=[100_000], later=change)
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY[::-1]

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_busy_server_is_asked_again(self, status: int, site: Site, tmp_path: Path) -> None:
        waits = Waits()
        site.pages["/a.bin"] = Page(BODY, first=[(status, {}), (status, {})])
        get(site, tmp_path / "a.bin", waits=waits)
        assert (tmp_path / "a.bin").read_bytes() == BODY
        assert waits.waits == [1, 2]

    def test_the_wait_that_a_server_asks_for_is_kept(self, site: Site, tmp_path: Path) -> None:
        waits = Waits()
        site.pages["/a.bin"] = Page(BODY, first=[(429, {"Retry-After": "7"}), (503, {"Retry-After": "nonsense"})])
        get(site, tmp_path / "a.bin", waits=waits)
        assert waits.waits == [7, 2]

    @pytest.mark.parametrize("asked", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
    def test_a_wait_too_long_is_told_instead(self, asked: str, site: Site, tmp_path: Path) -> None:
        waits = Waits()
        site.pages["/a.bin"] = Page(BODY, first=[(429, {"Retry-After": asked})])
        with pytest.raises(DataError, match=r"answers 429 .* asks to wait [\d,]+ s; run the command again after that"):
            get(site, tmp_path / "a.bin", waits=waits)
        assert waits.waits == []

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
    def test_a_refusal_is_final_at_once(self, status: int, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, first=[(status, {})])
        with pytest.raises(DataError, match=rf"\({status} for {site.url}/a.bin\); look at the home page"):
            get(site, tmp_path / "a.bin")
        assert len(site.asked) == 1
        assert left(tmp_path) == []

    def test_gives_up_and_keeps_what_came(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, cut=[120_000, 0, 0, 0, 0])
        with pytest.raises(DataError, match=r"gave up after 4 attempts in a row.*120,000 bytes of a.bin are kept"):
            get(site, tmp_path / "a.bin")
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY
        assert site.sent == len(BODY)

    def test_nobody_listens(self, site: Site, tmp_path: Path) -> None:
        site.server.shutdown()
        site.server.server_close()
        waits = Waits()
        with pytest.raises(DataError, match="gave up after 4 attempts"):
            get(site, tmp_path / "a.bin", waits=waits)
        assert waits.waits == [1, 2, 4]

    def test_a_silent_server_is_left(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, hold=50_000)
        get(site, tmp_path / "a.bin", patience=patient(silence_s=0.2))
        assert (tmp_path / "a.bin").read_bytes() == BODY

    @pytest.mark.parametrize("url", ["/b.bin", "b.bin", "{site}/b.bin"])
    def test_redirects_are_followed(self, url: str, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(first=[(302, {"Location": url.format(site=site.url)})])
        site.pages["/b.bin"] = Page(BODY)
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ("file:///etc/passwd", "which is no web address"),
            ("ftp://127.0.0.1/a.bin", "which is no web address"),
            ("data:text/plain,hello", "which is no web address"),
            ("/a.bin", "redirects more than 10 times"),
        ],
    )
    def test_redirects_that_are_not(self, target: str, message: str, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(first=[(302, {"Location": target})] * 20)
        with pytest.raises(DataError, match=message):
            get(site, tmp_path / "a.bin")
        assert left(tmp_path) == []

    def test_https_is_never_given_up(self) -> None:
        from maskwise.data.fetch.answers import _redirected

        assert _redirected("https://a.org/x", "https://b.org/y") == "https://b.org/y"
        assert _redirected("http://a.org/x", "https://b.org/y") == "https://b.org/y"
        with pytest.raises(DataError, match=r"redirects from https to 'http://b.org/y'"):
            _redirected("https://a.org/x", "http://b.org/y")

    def test_too_large_by_its_own_word(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY)
        with pytest.raises(DataError, match=r"a.bin has at least 300,000 bytes, allowed are 1,000; see --max-bytes"):
            get(site, tmp_path / "a.bin", max_bytes=1000)
        assert left(tmp_path) == []

    def test_too_large_without_a_word(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, length=False)
        with pytest.raises(DataError, match="allowed are 100,000"):
            get(site, tmp_path / "a.bin", max_bytes=100_000)
        assert left(tmp_path) == []

    def test_no_content_length(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, length=False)
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY

    def test_chunks_that_break_off(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, chunked=True, cut=[100_007])
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY
        assert site.asked[-1] == ("/a.bin", "bytes=100000-")

    def test_a_login_page_is_no_file(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(b"<html>please sign in", headers={"Content-Type": "text/html; charset=utf-8"})
        with pytest.raises(DataError, match=r"sent a page instead of a.bin.*name it with --from"):
            get(site, tmp_path / "a.bin")

    def test_no_space(self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        site.pages["/a.bin"] = Page(BODY)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 100, 100))
        with pytest.raises(StorageError, match=r"needs 300,000 more bytes and .* has 100 free"):
            get(site, tmp_path / "a.bin")
        assert site.sent <= len(BODY)
        assert not (tmp_path / "a.bin").exists()

    def test_a_folder_that_cannot_be_written(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(StorageError, match="cannot write"):
            get(site, tmp_path / "file" / "a.bin")

    @pytest.mark.parametrize("extra", [0, 5])
    def test_all_was_there_already(self, extra: int, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, cut=[100_000, 0, 0, 0, 0])
        with pytest.raises(DataError):
            get(site, tmp_path / "a.bin")
        (tmp_path / "a.bin.partial").write_bytes(BODY + b"x" * extra)
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY

    @pytest.mark.skipif(sys.platform == "win32", reason="no such lock there")
    def test_two_at_once_do_not_mix(self, site: Site, tmp_path: Path) -> None:
        import fcntl

        with (tmp_path / "a.bin.partial").open("ab") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(DataError, match=r"another process is fetching a.bin"):
                get(site, tmp_path / "a.bin")

    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
    def test_killed_in_the_middle_it_goes_on_from_there(self, site: Site, tmp_path: Path) -> None:
        site.pages["/a.bin"] = Page(BODY, hold=123_456)
        script = (
            "import sys; from pathlib import Path; from maskwise.data.fetch.download import download\n"
            "download(sys.argv[1], Path(sys.argv[2]), max_bytes=10**7)"
        )
        process = subprocess.Popen([sys.executable, "-c", script, f"{site.url}/a.bin", str(tmp_path / "a.bin")])
        partial = tmp_path / "a.bin.partial"
        wait_for(lambda: partial.exists() and partial.stat().st_size == 123_456)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        before = site.sent
        get(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == BODY
        assert site.asked[-1] == ("/a.bin", "bytes=123456-")
        assert site.sent - before == len(BODY) - 123_456


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


# Archives


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


def encrypted() -> bytes:
    """A ZIP whose member says that it is encrypted."""
    data = bytearray(zipped(("a.jpg", b"secret")))
    data[6] |= 1  # in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # in the directory
    return bytes(data)


def twice_in_a_zip() -> bytes:
    data = zipped(("a.jpg", b"1"), ("b.jpg", b"2"))
    return data.replace(b"b.jpg", b"a.jpg")


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


# Whole sets


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
    """A set of faces; keys with a dot replace inner ones."""
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


class TestFetch:
    def test_a_set_is_fetched_verified_and_recorded(self, site: Site, tmp_path: Path) -> None:
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

    def test_what_it_says_to_import_can_be_imported(self, site: Site, tmp_path: Path) -> None:
        from maskwise.data.formats import read_dataset

        site.pages["/set.zip"] = Page(ARCHIVE)
        fetched, _ = bring(entry(site), tmp_path / "faces")
        manifest = read_dataset(fetched.data, format=fetched.layout, aliases=fetched.aliases)
        assert manifest.usable["label"].to_list() == ["masked"] * 3 + ["unmasked"] * 2

    def test_the_list_of_files_is_what_sha256sum_reads(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        bring(entry(site), tmp_path / "faces")
        lines = (tmp_path / "faces/files.sha256").read_text().splitlines()
        assert len(lines) == 6
        for line in lines:
            sha256, name = line.split("  ")
            assert hashlib.sha256((tmp_path / "faces" / name).read_bytes()).hexdigest() == sha256

    def test_again_it_is_verified_without_the_network(self, site: Site, tmp_path: Path) -> None:
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
    def test_altered_data_is_found_out(
        self, harm: Callable[[Path], Any], message: str, site: Site, tmp_path: Path
    ) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        fetched, _ = bring(entry(site), tmp_path / "faces")
        harm(fetched.data)
        with pytest.raises(DataError, match=f"was altered since it was fetched: {message}; remove that folder"):
            bring(entry(site), tmp_path / "faces")

    @pytest.mark.parametrize("who", ["catalog", "user"])
    def test_a_wrong_checksum_is_put_aside(self, who: str, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        file = {"url": f"{site.url}/set.zip"} | ({"sha256": "0" * 64} if who == "catalog" else {})
        more = {"sha256": "0" * 64} if who == "user" else {}
        with pytest.raises(
            DataError, match=r"set.zip has the SHA-256 .*: it is damaged, or another file; it is put aside"
        ):
            bring(entry(site, get__files=[file]), tmp_path / "faces", **more)
        assert left(tmp_path / "faces") == ["download/set.zip.wrong"]

    def test_a_wrong_size_is_put_aside(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "bytes": len(ARCHIVE) + 1}])
        with pytest.raises(DataError, match=r"set.zip has [\d,]+ bytes, the catalog says"):
            bring(what, tmp_path / "faces")

    def test_the_first_use_is_trusted_and_remembered(self, site: Site, tmp_path: Path) -> None:
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

    def test_an_archive_packed_anew_is_known_by_its_files(self, site: Site, tmp_path: Path) -> None:
        what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "stable": False}])
        site.pages["/set.zip"] = Page(ARCHIVE)
        _, said = bring(what, tmp_path / "faces")
        assert "packed anew by its host" in said[0]
        shutil.rmtree(tmp_path / "faces/data")
        site.pages["/set.zip"] = Page(zipped(*reversed(members()), packing=zipfile.ZIP_STORED))
        assert bring(what, tmp_path / "faces")[0].record.files == 6
        shutil.rmtree(tmp_path / "faces/data")
        site.pages["/set.zip"] = Page(zipped(*members(masked=4)))
        with pytest.raises(
            DataError, match=r"are not those that were fetched at .*: 1 new \(set-1234/faces/on/3.png\)"
        ):
            bring(what, tmp_path / "faces")

    def test_the_hash_of_all_files(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        tree = bring(entry(site), tmp_path / "a")[0].record.tree_sha256
        bring(entry(site, get__tree_sha256=tree), tmp_path / "b")
        with pytest.raises(DataError, match="have together the SHA-256"):
            bring(entry(site, get__tree_sha256="0" * 64), tmp_path / "c")
        assert not (tmp_path / "c/data").exists()

    def test_counts_that_differ_are_told(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(zipped(*members(masked=1)))
        fetched, said = bring(entry(site), tmp_path / "faces")
        assert fetched.record.remarks == ("1 masked pictures, in the catalog 3",)
        assert said[-1] == "faces: 1 masked pictures, in the catalog 3"

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"counts": {"masked": 4, "exact": True}}, "it holds 3 masked pictures, in the catalog 4, exactly"),
            ({"layout": "voc"}, "nothing in it is laid out as voc"),
            ({"classes": {"without_mask": "unmasked"}}, "a class that the catalog does not name"),
        ],
    )
    def test_the_wrong_data_is_refused(self, more: dict[str, Any], message: str, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        with pytest.raises(DataError, match=f"set.zip: .*{message}.*put aside as"):
            bring(entry(site, **more), tmp_path / "faces")
        assert left(tmp_path / "faces") == ["download/set.zip.wrong"]

    def test_a_hostile_archive_leaves_no_half_folder(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(zipped(*members(), ("../../../up.png", b"x")))
        with pytest.raises(DataError, match="leads out of the folder"):
            bring(entry(site), tmp_path / "faces")
        assert left(tmp_path) == ["faces/download/set.zip.wrong"]

    def test_interrupted_while_unpacking(self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from maskwise.data.fetch import tree

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

    def test_a_licence_has_to_be_accepted_before_anything_is_asked(self, site: Site, tmp_path: Path) -> None:
        what = entry(site, licence={"name": "CC BY-NC", "accept": True, "url": "https://example.org/nc"})
        site.pages["/set.zip"] = Page(ARCHIVE)
        with pytest.raises(ConfigError, match=r"CC BY-NC. https://example.org/nc. Fetch it with --accept-licence"):
            bring(what, tmp_path / "faces")
        assert (site.asked, left(tmp_path)) == ([], [])
        fetched, _ = bring(what, tmp_path / "faces", accepted=True)
        assert fetched.record.accepted
        shutil.rmtree(tmp_path / "faces/data")
        bring(what, tmp_path / "faces")  # accepted for this folder

    def test_several_files_and_one_that_is_no_archive(self, site: Site, tmp_path: Path) -> None:
        names = ["a.tar.gz", "b.zip", "notes.txt"]
        site.pages["/a.tar.gz"] = Page(tarred(*members(unmasked=0)[:-1], packing="gz"))
        site.pages["/b.zip"] = Page(zipped(*members(masked=0)))
        site.pages["/notes.txt"] = Page(b"notes")
        files = [{"url": f"{site.url}/{name}", "unpack": not name.endswith("txt")} for name in names]
        fetched, _ = bring(entry(site, get__files=files), tmp_path / "faces")
        assert fetched.record.counts["pictures"] == 5
        assert (tmp_path / "faces/data/notes.txt").read_bytes() == b"notes"

    def test_an_archive_inside_the_archive(self, site: Site, tmp_path: Path) -> None:
        inner = tarred(("lists/a.txt", b"1"), packing="gz")
        site.pages["/set.zip"] = Page(zipped(("set/inner.tgz", inner), ("set/b.txt", b"2")))
        what = entry(site, layout="lists", root="", get__inner=["*/inner.tgz"], counts={})
        fetched, _ = bring(what, tmp_path / "faces")
        assert left(fetched.data) == ["set/b.txt", "set/inner/lists/a.txt"]
        assert fetched.command == ""

    def test_a_folder_that_is_somebody_elses(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "faces/data").mkdir(parents=True)
        with pytest.raises(DataError, match="was not made by a fetch; name another folder with -o"):
            bring(entry(site), tmp_path / "faces")

    def test_a_folder_that_holds_another_set(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        bring(entry(site), tmp_path / "x")
        with pytest.raises(DataError, match="holds the set faces; name another folder for others with -o"):
            bring(entry(site, name="others"), tmp_path / "x")

    def test_a_record_that_was_cut(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "fetched.json").write_text('{"name": "fa')
        with pytest.raises(DataError, match=r"cannot read .*fetched.json .*; remove it"):
            bring(entry(site), tmp_path)

    def test_a_limit_of_the_catalog(self, site: Site, tmp_path: Path) -> None:
        site.pages["/set.zip"] = Page(ARCHIVE)
        what = entry(site, get__files=[{"url": f"{site.url}/set.zip", "bytes": 100}])
        with pytest.raises(DataError, match="allowed are 110"):
            bring(what, tmp_path)

    def test_layouts_of_scenes_are_counted_too(self, site: Site, tmp_path: Path) -> None:
        xml = b"<annotation><filename>1.png</filename><object><name>on</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
        xml += b"<xmax>7</xmax><ymax>7</ymax></bndbox></object></annotation>"
        site.pages["/set.zip"] = Page(zipped(("s/annotations/1.xml", xml), ("s/images/1.png", picture(1))))
        what = entry(site, layout="voc", root="*", counts={"of": "faces", "pictures": 1, "masked": 1})
        assert bring(what, tmp_path)[0].record.counts == {"pictures": 1, "masked": 1}


class TestByHand:
    def hand(self, **more: Any) -> Entry:
        usual: dict[str, Any] = {"get": {"how": "by hand", "steps": ["Sign in.", "Press Download."]}}
        return entry(**usual | {"licence": {"name": "NC", "accept": True}} | more)

    def test_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(DataError) as caught:
            bring(self.hand(), tmp_path / "faces")
        assert str(caught.value) == (
            "faces has to be downloaded by hand:\n  1. Sign in.\n  2. Press Download.\nIts licence: NC.\n"
            "Then run: maskwise data fetch faces --accept-licence --from FILE"
        )

    @pytest.mark.parametrize("accepted", [True, False])
    def test_a_file_is_verified_and_unpacked(self, accepted: bool, tmp_path: Path) -> None:
        (tmp_path / "archive (1).zip").write_bytes(ARCHIVE)
        if not accepted:
            with pytest.raises(ConfigError, match="--accept-licence"):
                bring(self.hand(), tmp_path / "faces", given=[tmp_path / "archive (1).zip"])
            return
        fetched, said = bring(self.hand(), tmp_path / "faces", accepted=True, given=[tmp_path / "archive (1).zip"])
        assert fetched.record.counts["masked"] == 3
        assert "archive (1).zip: no checksum of it is published" in said[0]
        assert (tmp_path / "archive (1).zip").read_bytes() == ARCHIVE

    @pytest.mark.parametrize("top", ["", "faces", "top/faces"])
    def test_a_folder_is_verified_and_copied(self, top: str, tmp_path: Path) -> None:
        for name, data in members(top=""):
            path = tmp_path / "mine" / name.replace("faces", top, 1).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        fetched, _ = bring(self.hand(), tmp_path / "faces", accepted=True, given=[tmp_path / "mine"])
        assert fetched.record.counts == {"pictures": 5, "masked": 3, "unmasked": 2}
        assert fetched.record.archives == ()
        assert (tmp_path / "mine/README.md").exists()

    def test_a_checksum_of_the_catalog_counts(self, tmp_path: Path) -> None:
        (tmp_path / "mine.zip").write_bytes(ARCHIVE)
        files = [{"url": "https://example.org/archive.zip", "sha256": "0" * 64}]
        what = self.hand(get={"how": "by hand", "steps": ["Press Download."], "files": files})
        with pytest.raises(DataError, match=r"archive.zip has the SHA-256"):
            bring(what, tmp_path / "faces", accepted=True, given=[tmp_path / "mine.zip"])
        assert left(tmp_path) == ["mine.zip"]

    @pytest.mark.parametrize(
        ("given", "more", "message"),
        [
            (["no.zip"], {}, "there is no .*no.zip"),
            (["links"], {}, "is a link or no plain file"),
            (["linked"], {}, "is a link or no plain file"),
            (["links"], {"sha256": "0" * 64}, "is a folder; leave it out"),
            (["a.zip", "b.zip"], {"sha256": "0" * 64}, "--sha256 is for one file, here are 2"),
            (["a.zip"], {"sha256": "123"}, "is no SHA-256"),
            (["a.zip", "b.zip"], {}, "is in it twice"),
            (["a.zip"], {"limits": Limits(total_bytes=10)}, "more than 10 bytes would come out"),
        ],
    )
    def test_what_cannot_be_taken(self, given: list[str], more: dict[str, Any], message: str, tmp_path: Path) -> None:
        (tmp_path / "links").mkdir()
        (tmp_path / "links/a.png").symlink_to("/etc/passwd")
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked/inner").symlink_to(tmp_path / "links")
        for name in ("a.zip", "b.zip"):
            (tmp_path / name).write_bytes(ARCHIVE)
        with pytest.raises((DataError, ConfigError), match=message):
            bring(self.hand(), tmp_path / "out", accepted=True, given=[tmp_path / name for name in given], **more)
        assert left(tmp_path / "out") == []


# What is in the archives of the public sets, as far as it is known.
XML = (
    "<annotation><filename>{0}.png</filename><object><name>{1}</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    "<xmax>7</xmax><ymax>7</ymax></bndbox></object></annotation>"
)
PUBLIC = {
    "rmfd": (
        {"self-built-masked-face-recognition-dataset/AFDB_masked_face_dataset/ann/1.jpg": b"1",
         "self-built-masked-face-recognition-dataset/AFDB_face_dataset/ann/1.jpg": b"2"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "maskedface-net": (
        {"CMFD/00000/00001_Mask.jpg": b"1", "IMFD/00000/00001_Mask_Mouth_Chin.jpg": b"2"},
        {"pictures": 2, "incorrect": 1, "masked": 1},
    ),
    "andrewmvd": (
        {"annotations/1.xml": XML.format(1, "mask_weared_incorrect").encode(), "images/1.png": b"1"},
        {"pictures": 1, "incorrect": 1},
    ),
    "chandrikadeb7": (
        {"Face-Mask-Detection-master/dataset/with_mask/1.jpg": b"1",
         "Face-Mask-Detection-master/dataset/without_mask/1.jpg": b"2",
         "Face-Mask-Detection-master/Readme_images/A.PNG": b"3",
         "Face-Mask-Detection-master/Readme_images/A.png": b"4"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "prajnasb": (
        {"observations-master/experiements/data/with_mask/1-with-mask.jpg": b"1",
         "observations-master/experiements/data/without_mask/1.jpg": b"2",
         "observations-master/experiements/dest_folder/val/with_mask/1.jpg": b"1"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "ilc-2021": (
        {"face-mask-dataset-ilc-2021-1178de48/annotations/1.xml": XML.format(1, "with_incorrect_mask").encode(),
         "face-mask-dataset-ilc-2021-1178de48/JPEGImages/1.png": b"1"},
        {"pictures": 1, "incorrect": 1},
    ),
    "fmld": (
        {"FMLD-035016f1/MAFA_testing.txt": b"1", "FMLD-035016f1/mask-test.py": b"2",
         "FMLD-035016f1/FMLD_annotations.zip": zipped(("train/1.xml", b"<annotation/>"))},
        {},
    ),
    "pwmfd": (
        {"train/annotations/1.xml": XML.format(1, "incorrect_mask").encode(), "train/images/1.png": b"1",
         "validation/annotations/2.xml": XML.format(2, "without_mask").encode(), "validation/images/2.png": b"2"},
        {"pictures": 2, "incorrect": 1, "unmasked": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", public())
def test_the_public_sets_are_found_in_what_comes_out(name: str, tmp_path: Path) -> None:
    held, counts = PUBLIC[name]
    (tmp_path / "got.zip").write_bytes(zipped(*held.items()))
    fetched, said = bring(public()[name], tmp_path / "out", accepted=True, given=[tmp_path / "got.zip"])
    assert fetched.record.counts == counts
    assert bool(fetched.record.remarks) == bool(counts)  # so small a set is not what the catalog counts
    assert any("checksum" in line or "packed anew" in line for line in said)
    if name == "fmld":
        assert left(fetched.data) == ["FMLD-035016f1/FMLD_annotations/train/1.xml", "FMLD-035016f1/MAFA_testing.txt"]


def test_nothing_is_fetched_by_importing() -> None:
    code = "import socket; socket.socket.connect = None; import maskwise.data.fetch, maskwise.data.catalog"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
