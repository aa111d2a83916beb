from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from maskwise.serving.store import tokens
from tests.serving.page.conftest import Open, Running, running

SEEN = """async () => {
  const streams = async () => (await (await fetch("/v1/streams")).json()).streams;
  while (!(await streams()).every(({ size }) => size)) await new Promise((done) => setTimeout(done, 50));
}"""
"""Is over once there is a picture of every stream."""

LATE = """() => {
  const now = window.fetch;
  window.fetch = async (what, how) => {
    const list = String(what).includes("/v1/tokens") && (how?.method ?? "GET") === "GET";
    if (list) await new Promise((on) => setTimeout(on, 1000));
    return now(what, how);
  };
}"""
"""From now on the list of tokens takes a second."""

NAME = "Door <script>alert(1)</script>"


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("set_up"), media=(media,)) as service:
        yield service


def _add(page: Page, name: str, source: str) -> None:
    page.get_by_role("button", name="Add a stream").click()
    window = page.get_by_role("dialog")
    window.get_by_label("Name").fill(name)
    window.get_by_label("Source").fill(source)
    window.get_by_role("button", name="Add", exact=True).click()


def test_a_stream_is_added_gets_a_zone_by_keys_and_is_removed(open_page: Open, set_up: Running) -> None:
    page = open_page("setup", set_up)
    _add(page, NAME, "hall.mp4")
    expect(page.get_by_role("listitem").filter(has_text=NAME)).to_contain_text("connected")  # told as it changes

    page.get_by_role("button", name=f"Zones and lines: {NAME}").click()
    window = page.get_by_role("dialog")
    window.get_by_role("button", name="Add a zone").click()
    window.get_by_label("Name of the zone").fill("desk")
    corner = window.get_by_role("button", name=re.compile("^Corner 1 of"))
    corner.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expect(window.get_by_role("button", name="Corner 1 of desk: 31 % across, 35 % down")).to_be_focused()
    window.get_by_role("button", name="Add a corner").click()
    expect(window.get_by_role("button", name=re.compile("^Corner 5 of"))).to_be_visible()
    page.keyboard.press("Delete")
    expect(window.get_by_role("button", name=re.compile("^Corner 5 of"))).to_have_count(0)
    window.get_by_role("button", name="Add a line").click()
    window.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 zone, 1 line")).to_be_visible()

    how = _streams(page)[0]["how"]
    assert how["zones"] == [{"name": "desk", "corners": [[0.31, 0.35], [0.7, 0.3], [0.7, 0.8], [0.3, 0.8]]}]
    page.get_by_role("button", name=f"Remove: {NAME}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("None yet: add the first one.")).to_be_visible()


def test_a_zone_is_drawn_with_a_pointer_on_a_still(open_page: Open, set_up: Running) -> None:
    page = open_page("setup", set_up)
    _add(page, "Pointed at", "hall.mp4")
    expect(page.get_by_role("button", name="Change: Pointed at")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Pointed at")).to_contain_text("connected")
    page.evaluate(SEEN)
    page.get_by_role("button", name="Zones and lines: Pointed at").click()
    window = page.get_by_role("dialog")
    expect(window.get_by_role("img", name="Still of Pointed at, faces blurred")).to_be_visible()
    window.get_by_role("button", name="Add a zone").click()
    box = window.locator(".drawing").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"], steps=4)
    page.mouse.up()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])
    window.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 zone, 0 lines")).to_be_visible()

    corners = _streams(page)[0]["how"]["zones"][0]["corners"]
    assert len(corners) == 5
    assert corners[0] == pytest.approx([0.1, 0.1], abs=0.01)
    assert corners[3] == pytest.approx([0.5, 0.9], abs=0.01)
    page.get_by_role("button", name="Remove: Pointed at").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_wrong_stands_next_to_its_field(open_page: Open, set_up: Running) -> None:
    page = open_page("setup", set_up)
    _add(page, "Elsewhere", "rtsp://user:secret@127.0.0.1/stream")
    window = page.get_by_role("dialog")

    expect(window.locator(".wrong:visible, .note.bad")).to_be_visible()
    expect(window).not_to_contain_text("secret")
    window.get_by_label("Looks a second").fill("1000")
    window.get_by_role("button", name="Add", exact=True).click()
    field = window.get_by_label("Looks a second")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a stream")).to_be_focused()


@contextmanager
def _receiver() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Takes what alarms are sent; yields its port and what came."""
    came: list[dict[str, Any]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], came
        server.shutdown()
        thread.join()


def test_a_target_is_added_tried_and_removed(open_page: Open, set_up: Running) -> None:
    page = open_page("setup", set_up)
    part = page.get_by_role("region", name="Who is told of alarms")
    with _receiver() as (port, came):
        part.get_by_label("Who", exact=True).fill("Desk")
        part.get_by_label("Address").fill(f"json://127.0.0.1:{port}/alarms?secret=1")
        part.get_by_role("button", name="Add", exact=True).click()
        expect(part.get_by_text("json://…")).to_be_visible()
        part.get_by_role("button", name="Send a test: Desk").click()
        expect(part.get_by_text("Desk: the test was sent.")).to_be_visible()

    assert len(came) == 1
    part.get_by_role("button", name="Remove: Desk").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(part.get_by_text("Nobody is told yet")).to_be_visible()


def test_choices_are_kept(open_page: Open, set_up: Running) -> None:
    page = open_page("setup", set_up)
    page.get_by_label("Counts and events are kept, days").fill("7")
    page.get_by_label("Quiet from").fill("22:00")
    save = page.get_by_role("form", name="Settings").get_by_role("button", name="Save")
    save.click()
    expect(page.get_by_label("Quiet to")).to_have_accessible_description("give both times, or neither")
    expect(page.get_by_label("Quiet to")).to_be_focused()
    page.get_by_label("Quiet to").fill("06:00")
    save.click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Counts and events are kept, days")).to_have_value("7")
    expect(page.get_by_label("Quiet from")).to_have_value("22:00")


def test_the_first_token_is_an_admins_though_the_list_is_slow_to_come(open_page: Open, tmp_path: Path) -> None:
    with running(tmp_path) as service:
        page = open_page("model", service)
        page.evaluate(LATE)
        page.get_by_role("link", name="Set-up").click()
        part = page.get_by_role("region", name="Tokens")
        part.get_by_label("For whom or what").fill("Head of safety")
        part.get_by_role("button", name="Make a token").click()
        expect(part.get_by_label("Token Head of safety")).to_be_focused()
        expect(part.get_by_role("button", name="Take back: Head of safety")).to_be_visible()
        page.goto("about:blank")  # the service ends before the page, which would ask on


def test_the_first_token_is_shown_once_and_signs_this_page_in(open_page: Open, tmp_path: Path) -> None:
    with running(tmp_path) as service:
        page = open_page("setup", service)
        part = page.get_by_role("region", name="Tokens")
        part.get_by_label("For whom or what").fill("Head of safety")
        part.get_by_role("button", name="Make a token").click()
        secret = part.get_by_label("Token Head of safety")
        expect(secret).to_be_focused()
        token = secret.input_value()
        expect(part.get_by_role("button", name="Take back: Head of safety")).to_be_visible()
        expect(page.get_by_text("Head of safety, admin")).to_be_visible()
        expect(page.get_by_role("region", name="Who changed what")).to_be_visible()

        part.get_by_label("For whom or what").fill("Wall screen")
        part.get_by_label("May").select_option("viewer")
        part.get_by_role("button", name="Make a token").click()
        wall = part.get_by_label("Token Wall screen").input_value()
        page.reload()
        expect(page.get_by_text("Wall screen", exact=True)).to_be_visible()
        assert token not in page.content()

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_role("navigation")).to_be_hidden()
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("not known")).to_be_visible()
        page.get_by_label("Token").fill(wall)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="This needs the role admin")).to_be_visible()
        page.get_by_role("link", name="Live").click()
        expect(page.locator(".conn")).to_contain_text("Connected")
        expect(page.get_by_text("Faces are blurred")).to_be_visible()
        expect(page.get_by_role("switch", name="Blur faces")).to_have_count(0)

        _take_back(service, "Wall screen")  # while the page is open
        page.evaluate("import('/js/live/feed.js').then(({ feed }) => feed.lost())")
        expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Live")).to_be_focused()
        expect(page.locator(".conn")).to_contain_text("Connected")
        page.close()  # before its service is gone


def _take_back(service: Running, name: str) -> None:
    with service.parts.database.begin() as session:
        token = tokens.named(session, name)
        assert token is not None
        tokens.revoke(session, token.id)
    service.parts.identities.forget()


def _streams(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("fetch('/v1/streams').then((answer) => answer.json())")["streams"]
    return found
