from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.serving.page.conftest import Open, Running
from tests.serving.page.records import violation
from tests.serving.page.telling import alarm

FEED = "const { feed } = await import('/js/live/feed.js');"
CUT_OFF = f"async () => {{ {FEED} feed.lost(); clearTimeout(feed.timer); }}"
"""As when the network goes away; it does not come back by itself."""

BACK = f"async () => {{ {FEED} feed.connect(); }}"
CONNECTED = f"async () => {{ {FEED} while (!feed.on) await new Promise((done) => setTimeout(done, 20)); }}"
"""Is over once it is connected."""


def _banner(page: Page) -> Locator:
    return page.get_by_role("region", name="Alarms", exact=True)


def test_two_alarms_are_shown_in_a_line_each_and_the_others_counted(open_page: Open) -> None:
    page = open_page("model", width=390)
    expect(page.locator(".point").first).to_be_visible()
    for number in range(1, 6):
        alarm(page, number, stream="The main entrance of the northern building")
    banner = _banner(page)

    expect(banner.get_by_role("listitem")).to_have_count(2)
    expect(banner).to_contain_text("and 3 earlier ones")
    expect(page).to_have_title("(5) Model – maskwise")
    box = banner.bounding_box()
    assert box is not None
    assert box["height"] < 160
    banner.get_by_role("button", name="Acknowledge all 5").click()
    expect(banner).to_be_hidden()
    expect(page).to_have_title("Model – maskwise")
    expect(page.locator("main")).to_be_focused()


def test_an_alarm_is_told_inside_the_window_that_is_open(open_page: Open) -> None:
    page = open_page("setup")
    page.get_by_role("button", name="Add a stream").click()
    window = page.get_by_role("dialog")
    expect(window).to_be_visible()
    alarm(page)

    expect(window.get_by_role("alert")).to_contain_text("Alarm: Hall, desk: person 4 unmasked")
    window.get_by_role("button", name=re.compile("^Acknowledge the alarm of Hall")).click()
    expect(window.locator("#alarms")).to_be_hidden()
    expect(window.get_by_role("heading", name="Add a stream")).to_be_focused()
    expect(window.locator("#said")).to_have_text("Acknowledged")
    alarm(page, 2)
    page.keyboard.press("Escape")
    expect(_banner(page)).to_contain_text("Alarm: Hall, desk")
    expect(page.locator("body > #told")).to_have_count(1)


def test_a_view_that_is_left_takes_its_windows_along(open_page: Open) -> None:
    page = open_page("setup")
    page.get_by_role("button", name="Add a stream").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("location.hash = 'model'")

    expect(page.get_by_role("heading", name="Model", level=1)).to_be_focused()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("body > #told")).to_have_count(1)


def test_an_alarm_that_came_while_the_line_was_cut_is_raised_afterwards_and_only_once(
    open_page: Open, here: Running
) -> None:
    page = open_page("model")
    page.evaluate(CONNECTED)
    page.evaluate(CUT_OFF)
    with here.parts.database.begin() as session:
        session.add(violation(time.time(), person=77))
    page.evaluate(BACK)

    expect(_banner(page)).to_contain_text("person 77 unmasked")
    page.evaluate(CUT_OFF)
    page.evaluate(BACK)
    page.evaluate(CONNECTED)
    page.wait_for_load_state("networkidle")
    expect(_banner(page).get_by_role("listitem")).to_have_count(1)


def test_without_a_connection_it_is_said_on_every_view_that_no_alarm_can_come(open_page: Open) -> None:
    page = open_page("model")
    page.evaluate(CONNECTED)
    page.evaluate(CUT_OFF)
    expect(_banner(page)).to_be_hidden()  # a moment without is nothing to be told of
    page.evaluate(CUT_OFF)

    expect(_banner(page)).to_contain_text("no alarm can come")
    page.evaluate(BACK)
    expect(_banner(page)).not_to_contain_text("no alarm can come")


def test_a_line_that_nothing_comes_through_is_given_up(open_page: Open) -> None:
    page = open_page("live")
    expect(page.locator(".conn")).to_contain_text("Connected")
    page.evaluate(
        f"""async () => {{ {FEED}
          feed.streams.add(1);
          feed.heardMs = Date.now() - 60_000;
          feed.listen();
          clearTimeout(feed.timer);
        }}"""
    )

    expect(page.locator(".conn")).to_contain_text("Connection lost.")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".conn")).to_contain_text("Connected")
