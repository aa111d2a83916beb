"""Downloads that were broken off go on where they stood, and never mix two files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwise.errors import DataError
from tests.data.fetch.builders import BODY, get
from tests.data.fetch.site import Page, Site


def test_dropped_connections_cost_nothing_that_had_come(site: Site, tmp_path: Path) -> None:
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
def test_starts_over_where_it_cannot_go_on(page: Page, why: str, site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = page
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY, why
    assert site.sent == len(BODY) + 100_000


def test_last_modified_is_enough_to_go_on(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, headers={"Last-Modified": "Mon, 01 Jun 2020 10:00:00 GMT"}, cut=[100_000])
    get(site, tmp_path / "a.bin")
    assert site.sent == len(BODY)


def test_a_file_that_changes_meanwhile_is_never_mixed(site: Site, tmp_path: Path) -> None:
    def change(page: Page) -> None:
        page.body, page.headers = BODY[::-1], {"ETag": '"2"'}

    site.pages["/a.bin"] = Page(BODY, cut=[100_000], later=change)
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY[::-1]


def test_chunks_that_break_off(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, chunked=True, cut=[100_007])
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert site.asked[-1] == ("/a.bin", "bytes=100000-")


def test_gives_up_and_keeps_what_came(site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, cut=[120_000, 0, 0, 0, 0])
    with pytest.raises(DataError, match=r"gave up after 4 attempts in a row.*120,000 bytes of a.bin are kept"):
        get(site, tmp_path / "a.bin")
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert site.sent == len(BODY)


@pytest.mark.parametrize("extra", [0, 5])
def test_all_was_there_already(extra: int, site: Site, tmp_path: Path) -> None:
    site.pages["/a.bin"] = Page(BODY, cut=[100_000, 0, 0, 0, 0])
    with pytest.raises(DataError):
        get(site, tmp_path / "a.bin")
    (tmp_path / "a.bin.partial").write_bytes(BODY + b"x" * extra)
    get(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.skipif(sys.platform == "win32", reason="no such lock there")
def test_two_at_once_do_not_mix(site: Site, tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "a.bin.partial").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match=r"another process is fetching a.bin"):
            get(site, tmp_path / "a.bin")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_in_the_middle_it_goes_on_from_there(site: Site, tmp_path: Path) -> None:
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
