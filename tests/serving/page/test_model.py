from __future__ import annotations

import re

from playwright.sync_api import expect

from maskwise.inference.checker import load
from tests.serving.page.conftest import Open


def test_every_figure_stands_with_its_interval(open_page: Open) -> None:
    page = open_page("model")
    recall = load("default").pipeline.classify.card.figures["test"]["recall"]

    expect(page.get_by_role("heading", name="Model", exact=True)).to_be_visible()
    table = page.get_by_role("region", name="Recall by class")
    for label, figure in recall.items():
        row = table.locator("tr", has_text=re.compile(rf"^.?{label}"))
        expect(row).to_contain_text(f"{100 * figure['value']:.1f}")
        expect(row).to_contain_text(str(figure["n"]))
    expect(page.get_by_text("right answers")).to_be_visible()
    expect(page.get_by_text("learned from")).to_be_visible()
    expect(page.get_by_text("licence", exact=True)).to_be_visible()


def test_what_an_operating_point_costs_follows_the_traffic(open_page: Open) -> None:
    page = open_page("model")
    card = page.locator(".point", has=page.get_by_role("heading", name="balanced"))
    alarms = card.locator("dl div", has_text="alarms an hour").locator("dd")
    expect(alarms).to_be_visible()
    before = alarms.inner_text()
    page.get_by_label("People an hour").fill("6000")
    page.get_by_label("People an hour").dispatch_event("change")

    expect(alarms).not_to_have_text(before)


def test_an_operating_point_is_taken_into_use(open_page: Open) -> None:
    page = open_page("model")
    page.get_by_role("button", name="Use the operating point gate").click()

    card = page.locator(".point", has=page.get_by_role("heading", name="gate"))
    expect(card.get_by_text("in use")).to_be_visible()
    assert page.evaluate("fetch('/v1/settings').then((answer) => answer.json())")["operating_point"] == "gate"
    page.get_by_role("button", name="Use the operating point balanced").click()
    expect(
        page.locator(".point", has=page.get_by_role("heading", name="balanced")).get_by_text("in use")
    ).to_be_visible()
