"""Downloading: what a server may answer, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskwise.data.fetch.answers import _redirected
from maskwise.errors import DataError, StorageError
from tests.data.fetch.builders import BODY, Waits, get, left, patient
from tests.data.fetch.site import Page, Site


def test_a_file_appears_whole_and_nothing_beside_it(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY)
    seen: list[tuple[int, int]] = []
    get(site, tmp_path / "in" / "a.bin", progress=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "in" / "a.bin").read_bytes() == BODY
    assert left(tmp_path) == ["in/a.bin"]
    assert seen[-1] == (len(BODY), len(BODY))


def test_no_content_length(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, length=False)
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int, site: Site, tmp_path: Path) -> None:
    waits = Waits()
    site.pages["/a.bin"] = Page(BODY, first=[(status, {}), (status, {})])
    get(site, tmp_path / "a.bin", waits=waits)
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert waits.waits == [1, 2]


def test_the_wait_that_a_server_asks_for_is_kept(site: Site, tmp_path: Path) -> None:
    waits = Waits()
    site.pages["/a.bin"] = Page(BODY, first=[(429, {"Retry-After": "7"}), (503, {"Retry-After": "nonsense"})])
    get(site, tmp_path / "a.bin", waits=waits)
    assert waits.waits == [7, 2]


@pytest.mark.parametrize("asked", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_too_long_is_told_instead(asked: str, site: Site, tmp_path: Path) -> None:
    waits = Waits()
    site.pages["/a.bin"] = Page(BODY, first=[(429, {"Retry-After": asked})])
    with pytest.raises(DataError, match=r"answers 429 .* asks to wait [\d,]+ s; run the command again after that"):
        get(site, tmp_path / "a.bin", waits=waits)
    assert waits.waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_is_final_at_once(status: int, site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, first=[(status, {})])
    with pytest.raises(DataError, match=rf"\({status} for {site.url}/a.bin\); look at the home page"):
        get(site, tmp_path / "a.bin")
    assert len(site.asked) == 1
    assert left(tmp_path) == []


def test_nobody_listens(site: Site, tmp_path: Path) -> None:
    site.server.shutdown()
    site.server.server_close()
    waits = Waits()
    with pytest.raises(DataError, match="gave up after 4 attempts"):
        get(site, tmp_path / "a.bin", waits=waits)
    assert waits.waits == [1, 2, 4]


def test_a_silent_server_is_left(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, hold=50_000)
    get(site, tmp_path / "a.bin", patience=patient(silence_s=0.2))
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("url", ["/b.bin", "b.bin", "{site}/b.bin"])
def test_redirects_are_followed(url: str, site: Site, tmp_path: Path) -> None:
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
def test_redirects_that_are_not(target: str, message: str, site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(first=[(302, {"Location": target})] * 20)
    with pytest.raises(DataError, match=message):
        get(site, tmp_path / "a.bin")
    assert left(tmp_path) == []


def test_https_is_never_given_up() -> None:
    assert _redirected("https://a.org/x", "https://b.org/y") == "https://b.org/y"
    assert _redirected("http://a.org/x", "https://b.org/y") == "https://b.org/y"
    with pytest.raises(DataError, match=r"redirects from https to 'http://b.org/y'"):
        _redirected("https://a.org/x", "http://b.org/y")


def test_too_large_by_its_own_word(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY)
    with pytest.raises(DataError, match=r"a.bin has at least 300,000 bytes, allowed are 1,000; see --max-bytes"):
        get(site, tmp_path / "a.bin", max_bytes=1000)
    assert left(tmp_path) == []


def test_too_large_without_a_word(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, length=False)
    with pytest.raises(DataError, match="allowed are 100,000"):
        get(site, tmp_path / "a.bin", max_bytes=100_000)
    assert left(tmp_path) == []


def test_a_login_page_is_no_file(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(b"<html>please sign in", headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(DataError, match=r"sent a page instead of a.bin.*name it with --from"):
        get(site, tmp_path / "a.bin")


def test_no_space(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/a.bin"] = Page(BODY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 100, 100))
    with pytest.raises(StorageError, match=r"needs 300,000 more bytes and .* has 100 free"):
        get(site, tmp_path / "a.bin")
    assert site.sent <= len(BODY)
    assert not (tmp_path / "a.bin").exists()


def test_a_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot write"):
        get(site, tmp_path / "file" / "a.bin")
