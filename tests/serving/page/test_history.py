from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.serving.page.conftest import Open, Running, running
from tests.serving.page.records import ALARMS, PEOPLE, STREAM, remember


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("remembering")) as service:
        remember(service)
        yield service


def test_counts_are_drawn_and_stand_in_a_table(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering)

    expect(page.get_by_role("heading", name="51 people")).to_be_visible()
    expect(page.get_by_text("40 with a mask, 2 worn incorrectly, 6 without, 3 indeterminate.")).to_be_visible()
    expect(page.get_by_text("83.3 %", exact=True)).to_be_visible()  # 40 of the 48 with an answer
    expect(page.get_by_text("Kept for 30 days")).to_be_visible()
    for verdict in PEOPLE:
        assert page.locator(f"svg.chart rect.v-{verdict}").count() >= 1
    page.locator("summary", has_text="The same as a table").click()
    cells = page.get_by_role("region", name="Figures of the chart").locator("tbody tr")
    columns = [cells.locator(f"td:nth-child({column})").all_inner_texts() for column in range(2, 6)]
    assert [sum(map(int, column)) for column in columns] == list(PEOPLE.values())


def test_events_are_turned_page_by_page(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering)
    rows = page.get_by_role("region", name="Table of events").locator("tbody tr")

    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text(STREAM)
    page.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(ALARMS - 50)
    expect(page.get_by_role("heading", name="Events, page 2")).to_be_focused()
    page.get_by_role("button", name="Newer").click()
    expect(rows).to_have_count(50)


def test_filters_hold_for_the_page_and_for_the_table_that_is_taken_away(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering)
    page.get_by_label("Events with verdict").select_option("masked")
    expect(page.get_by_text("No event fits.")).to_be_visible()
    page.get_by_label("Events with verdict").select_option("unmasked")
    page.get_by_label("Events of kind").select_option("violated")
    expect(page.get_by_role("button", name="Older")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Events as CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))

    assert len(table) == ALARMS
    assert {row["kind"] for row in table} == {"violated"}


def test_an_end_before_the_start_is_said_at_its_field(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering)
    page.get_by_label("To", exact=True).fill("2020-01-01T00:00")
    page.get_by_label("To", exact=True).dispatch_event("change")

    expect(page.get_by_text("this is before the start")).to_be_visible()


def test_streams_and_zones_that_are_no_more_can_be_chosen(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering)
    page.get_by_label("Stream").select_option(f"{STREAM} (removed)")
    page.get_by_label("Zone").select_option("desk")
    rows = page.get_by_role("region", name="Table of events").locator("tbody tr")

    expect(rows).to_have_count(ALARMS // 2)
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_label("Zone")).to_have_value("desk")
    expect(rows).to_have_count(ALARMS // 2)


def test_it_can_be_printed_in_ink(open_page: Open, remembering: Running) -> None:
    page = open_page("history", remembering, theme="dark")
    expect(page.locator("svg.chart")).to_be_visible()
    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.querySelector('h2')).color") == "rgb(28, 33, 38)"
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.get_by_role("link", name="Counts as CSV")).to_be_hidden()
