from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.serving.page.conftest import Open, Running, running

NAME = "Hall <b>east</b>"
HOW: dict[str, Any] = {
    "name": NAME,
    "source": "hall.mp4",
    "after_s": 0.5,
    "looks_per_s": 4,
    "zones": [{"name": "all of it", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
}


WANTED = "import('/js/live/feed.js').then(({ feed }) => Object.keys(feed.wanted).length)"
"""Of how many streams pictures are asked for."""

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""As with a tab that is not in front."""


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Running]:
    """A service of its own, so that its alarms come up in no other test."""
    with running(tmp_path_factory.mktemp("watching"), media=(media,)) as service:
        yield service


def _with_stream(page: Page) -> None:
    """Begin the stream while the page looks on, so that it sees the alarm."""
    status = page.evaluate(
        """async (how) => (await fetch("/v1/streams", {
          method: "POST", body: JSON.stringify(how), headers: { "Content-Type": "application/json" } })).status""",
        HOW,
    )
    assert status == 201


def _without_streams(page: Page) -> None:
    page.evaluate(
        """async () => {
          for (const stream of (await (await fetch("/v1/streams")).json()).streams)
            await fetch(`/v1/streams/${stream.id}`, { method: "DELETE" });
        }"""
    )


def test_without_streams_the_way_to_set_up_is_shown(open_page: Open, watching: Running) -> None:
    page = open_page("live", watching)

    page.get_by_role("link", name="Add a stream in Set-up").click()
    expect(page.get_by_role("heading", name="Set-up", level=1)).to_be_focused()


def test_a_stream_is_shown_with_who_is_there_and_an_alarm_until_it_is_acknowledged(
    open_page: Open, watching: Running
) -> None:
    page = open_page("live", watching)
    expect(page.locator(".conn")).to_contain_text("Connected")
    _with_stream(page)
    tile = page.locator(".tile")

    expect(tile.get_by_role("heading", name=NAME)).to_be_visible()  # its markup is text
    expect(tile.get_by_text("connected", exact=True)).to_be_visible()
    expect(tile.locator(".tally")).to_have_text(
        re.compile(r"1 masked.*0 incorrect.*1 unmasked.*0 uncertain", re.DOTALL)
    )
    expect(tile.get_by_text("compliant now 50 %")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.screen canvas').width >= 320")

    banner = page.get_by_role("region", name="Alarms", exact=True)
    expect(banner).to_contain_text(f"Alarm: {NAME}, all of it")
    expect(banner).to_contain_text(re.compile(r"person \d+ unmasked, \d\d:\d\d:\d\d"))
    expect(page.locator("#alert")).to_contain_text(NAME)
    banner.get_by_role("button", name="Acknowledge").first.click()
    expect(banner).to_be_hidden()
    expect(page.get_by_label("Latest events")).to_contain_text("Alarm")
    expect(page.get_by_text(re.compile(r"looks a second · \d+ ms behind"))).to_be_visible()
    assert page.evaluate(WANTED) == 1
    page.evaluate(HIDE, True)
    assert page.evaluate(WANTED) == 0  # nobody looks
    page.evaluate(HIDE, False)
    assert page.evaluate(WANTED) == 1

    tile.get_by_role("button", name="Pause").click()
    expect(tile.get_by_text("Paused: nothing is looked at.")).to_be_visible()
    tile.get_by_role("button", name="Resume").click()
    expect(tile.get_by_text("connected", exact=True)).to_be_visible()
    _without_streams(page)
    expect(tile).to_have_count(0)


def test_a_wall_screen_shows_tiles_alone(open_page: Open, watching: Running) -> None:
    page = open_page("live", watching, width=1920)
    _with_stream(page)
    expect(page.locator(".tile")).to_be_visible()
    page.get_by_role("button", name="Full screen").click()

    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".livebar")).to_be_hidden()
    expect(page.locator(".tile")).to_be_visible()
    page.evaluate("document.exitFullscreen()")
    expect(page.locator("header.top")).to_be_visible()
    _without_streams(page)


def test_a_lost_connection_is_said_and_comes_back(open_page: Open, watching: Running) -> None:
    page = open_page("live", watching)
    expect(page.locator(".conn")).to_contain_text("Connected")
    page.evaluate(
        """async () => {
          const { feed } = await import("/js/live/feed.js");
          feed.addEventListener("state", () => clearTimeout(feed.timer), { once: true }); // until it is tried by hand
          feed.socket.close();
        }"""
    )

    expect(page.locator(".conn")).to_contain_text("Connection lost. Trying again within 2 s.")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".conn")).to_contain_text("Connected")


def test_sound_is_off_until_somebody_wants_it(open_page: Open, watching: Running) -> None:
    page = open_page("live", watching)
    sound = page.get_by_role("switch", name="Sound for alarms")

    expect(sound).not_to_be_checked()
    sound.check()
    page.reload()
    expect(sound).to_be_checked()
