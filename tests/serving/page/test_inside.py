from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving.inside.needs import need_runtime
from tests.serving.page.conftest import Open, Running
from tests.serving.page.scenes import encoded, scene
from tests.serving.page.test_try import SAID, paste

LOADING_MS = 60_000
SENT = """() => {
  globalThis.sent = [];
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) { sent.push(String(data)); return send.call(this, data); };
}"""
HERE = re.compile(r"^Pictures stay in this browser: \d+ looked at here, none sent\.$")


WATCH = """() => {
  globalThis.shown = [];
  const note = () => {
    const bar = document.querySelector("progress");
    shown.push([bar.hidden, bar.value, document.querySelector(".options .field:last-child .hint").textContent]);
  };
  new MutationObserver(note).observe(document.querySelector(".options"), {
    attributes: true, childList: true, characterData: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def inside(browser: Browser, here: Running) -> Iterator[Page]:
    """A page whose pictures are to stay in the browser; the model comes once for all of these tests."""
    need_runtime()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{here.address}/#try")
        expect(page.get_by_label("Operating point")).to_have_value("balanced")
        page.evaluate(WATCH)
        page.get_by_role("switch", name="Keep pictures in this browser").check()
        expect(page.get_by_text(HERE)).to_be_visible(timeout=LOADING_MS)
        yield page


def test_the_way_of_the_model_into_the_browser_is_shown(inside: Page) -> None:
    shown: list[list[Any]] = inside.evaluate("shown")
    coming = [(value, words) for hidden, value, words in shown if not hidden and "%" in words]

    assert [value for value, _ in coming] == sorted(value for value, _ in coming)
    assert any(re.fullmatch(r"The model is coming: [\d.]+\s% of [\d.]+ MB", words) for _, words in coming)
    expect(inside.locator("progress")).to_be_hidden()


def test_nothing_leaves_this_browser_while_pictures_and_the_camera_are_looked_at(inside: Page) -> None:
    inside.evaluate(SENT)
    asked: list[str] = []
    inside.context.on("request", lambda request: asked.append(request.url))
    inside.get_by_label("Pictures to look at").set_input_files(
        {"name": "hall.png", "mimeType": "image/png", "buffer": encoded(scene(), ".png")}
    )
    expect(inside.locator(".whole .sum")).to_have_text(SAID)
    paste(inside, encoded(scene(), ".jpg"))
    expect(inside.locator(".picture")).to_have_count(2)
    expect(inside.locator(".whole .sum")).to_have_text("2 pictures: 2 with a mask, 2 without, 0 indeterminate")
    inside.get_by_role("button", name="Use the camera").click()
    camera = inside.locator(".picture", has_text="Your camera")
    expect(camera.locator(".sum")).to_have_text(SAID)
    expect(camera.get_by_text(re.compile(r"checks a second"))).to_be_visible()
    inside.get_by_role("button", name="Stop the camera").click()

    looked_at = re.search(r"(\d+) looked at here", inside.get_by_text(HERE).inner_text())
    assert looked_at is not None
    assert int(looked_at[1]) >= 4
    assert [url for url in asked if not url.startswith("blob:")] == []
    assert inside.evaluate("sent") == []


def test_the_operating_point_is_the_one_that_the_service_would_take(inside: Page) -> None:
    _choose(inside, "statistics")
    try:
        inside.get_by_role("link", name="Model").click()
        inside.get_by_role("link", name="Try").click()
        expect(inside.get_by_label("Operating point")).to_have_value("statistics")
        inside.get_by_role("switch", name="Keep pictures in this browser").check()
        expect(inside.get_by_text(HERE)).to_be_visible(timeout=LOADING_MS)
        inside.evaluate(
            """() => {
              globalThis.asked = [];
              const { postMessage } = Worker.prototype;
              Worker.prototype.postMessage = function (message, ...more) {
                asked.push(message.options.operatingPoint);
                return postMessage.call(this, message, ...more);
              };
            }"""
        )
        paste(inside, encoded(scene(), ".jpg"))
        expect(inside.locator(".whole .sum")).to_have_text(SAID)
        assert inside.evaluate("asked") == ["statistics"]
    finally:
        _choose(inside, None)


def _choose(page: Page, point: str | None) -> None:
    """Of the service, for all who name none."""
    status = page.evaluate(
        """async (operating_point) => (await fetch("/v1/settings", {
          method: "PATCH", body: JSON.stringify({ operating_point }),
          headers: { "Content-Type": "application/json" } })).status""",
        point,
    )
    assert status == 200


def test_what_was_to_stay_is_not_sent_when_the_model_does_not_come(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_label("Operating point")).to_have_value("balanced")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.context.route("**/inside/model.json", lambda route: route.fulfill(status=404, json={"detail": "not here"}))
    page.get_by_role("switch", name="Keep pictures in this browser").check()
    page.get_by_label("Pictures to look at").set_input_files(
        {"name": "hall.png", "mimeType": "image/png", "buffer": encoded(scene(), ".png")}
    )

    expect(page.get_by_role("switch", name="Keep pictures in this browser")).not_to_be_checked()
    expect(page.locator(".picture .bad")).to_be_visible()
    assert not any("/v1/check" in url for url in asked)
