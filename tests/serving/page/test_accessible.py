from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.serving.page.conftest import Open, Running, running
from tests.serving.page.records import remember
from tests.serving.page.scenes import encoded, scene
from tests.serving.page.telling import alarm

RULES: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
WIDTHS = (320, 640, 1280, 360)
"""The narrowest there is, 1280 at 200 %, a desk, a phone."""

CONTRAST: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that depends on the colours."""

READY = {
    "try": ".people li",
    "live": ".tile .tally",
    "history": "svg.chart",
    "model": ".point",
    "setup": "section[aria-label='Who changed what'] h2",
    "api": "tbody tr",
}
"""What a view shows when it is done."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Running]:
    """A service in which there is something of everything."""
    with running(tmp_path_factory.mktemp("full"), media=(media,)) as service:
        remember(service)
        yield service


def _stream(page: Page) -> None:
    page.evaluate(
        """async () => {
          const { streams } = await (await fetch("/v1/streams")).json();
          const body = JSON.stringify({ name: "Hall", source: "hall.mp4", after_s: 3600, looks_per_s: 2 });
          const headers = { "Content-Type": "application/json" };
          if (!streams.length) await fetch("/v1/streams", { method: "POST", headers, body });
        }"""
    )


def _runs_over(page: Page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def _breaches(page: Page, rules: dict[str, Any]) -> list[str]:
    found = Axe().run(page, options=rules).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


@pytest.mark.parametrize(
    ("theme", "views", "rules"), [("light", [*READY], RULES), ("dark", ["try", "live", "model"], CONTRAST)]
)
def test_no_view_breaks_a_rule_or_runs_over_the_side(
    open_page: Open, full: Running, theme: str, views: list[str], rules: dict[str, Any]
) -> None:
    page = open_page("try", full, width=360, theme=theme)
    _stream(page)
    breaches: dict[str, list[str]] = {}
    for view in views:
        page.evaluate("(view) => { location.hash = view; }", view)
        if view == "try":
            page.get_by_label("Pictures to look at").set_input_files(
                {"name": "hall.png", "mimeType": "image/png", "buffer": encoded(scene(), ".png")}
            )
        expect(page.locator(READY[view]).first).to_be_visible()
        breaches[view] = _breaches(page, rules)
        breaches[view] += [f"runs over the side at {width}" for width in WIDTHS if _runs_over(page, width)]

    assert breaches == {view: [] for view in views}


@pytest.mark.parametrize(("theme", "rules"), [("light", RULES), ("dark", CONTRAST)])
def test_windows_and_the_alarm_banner_break_no_rule(
    open_page: Open, full: Running, theme: str, rules: dict[str, Any]
) -> None:
    page = open_page("setup", full, width=360, theme=theme)
    _stream(page)
    page.reload()
    page.get_by_role("button", name="Zones and lines: Hall").click()
    page.get_by_role("button", name="Add a zone").click()
    drawing = _breaches(page, rules)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add a stream").click()
    alarm(page)
    expect(page.get_by_role("dialog").get_by_role("region", name="Alarms", exact=True)).to_be_visible()

    assert (drawing, _breaches(page, rules)) == ([], [])


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_text("Drop pictures here")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose pictures")).to_be_focused()
    page.get_by_role("link", name="Model").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_focused()
    expect(page).to_have_title("Model – maskwise")
