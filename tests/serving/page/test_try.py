from __future__ import annotations

import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import FilePayload, Page, expect

from maskwise.inference.checker import load
from maskwise.model.palette import rgb_of
from tests.serving.page.conftest import Open
from tests.serving.page.scenes import HEIGHT, WIDTH, encoded, scene

MASKED_SIDE = """() => {
  const { width, height } = document.querySelector(".over");
  const { data } = document.querySelector(".over").getContext("2d").getImageData(0, 0, width, height);
  const blue = { left: 0, right: 0 };
  for (let i = 0; i < data.length; i += 4) {
    const isBlue = data[i] === 0 && data[i + 1] === 0x72 && data[i + 2] === 0xb2;
    if (isBlue) blue[(i / 4) % width < width / 2 ? "left" : "right"] += 1;
  }
  return blue.left > blue.right ? "left" : "right";
}"""
"""In which half more is drawn in the colour of a mask."""

SAID = "1 with a mask, 1 without, 0 indeterminate"


def _given(page: Page, name: str = "hall.png") -> None:
    page.get_by_label("Pictures to look at").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": encoded(scene(), ".png")}
    )


def paste(page: Page, picture: bytes) -> None:
    """As with Ctrl+V."""
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(picture),
    )


def test_a_chosen_picture_is_answered_in_words_and_drawn(open_page: Open) -> None:
    page = open_page("try")
    _given(page)

    expect(page.locator(".whole .sum")).to_have_text(SAID)
    lines = page.locator(".people li .said")
    expect(lines).to_have_count(2)
    assert "unmasked" in lines.nth(0).inner_text()
    assert "masked 98.5" in lines.nth(1).inner_text()
    expect(page.get_by_role("img", name=f"hall.png: {SAID}")).to_be_visible()


def test_the_json_is_that_of_the_library(open_page: Open) -> None:
    page = open_page("try")
    _given(page)
    page.locator("summary", has_text="JSON").click()
    shown_text = page.get_by_label("JSON of hall.png")
    expect(shown_text).not_to_be_empty()  # it is written once the browser tells that the line is open
    shown = json.loads(shown_text.inner_text())
    expected = load("default")(scene()).to_json()["faces"]

    assert [face["verdict"] for face in shown["faces"]] == [face["verdict"] for face in expected]
    for face, own in zip(shown["faces"], expected, strict=True):
        assert face["box_xyxy"] == own["box_xyxy"]
        assert face["probabilities"] == own["probabilities"]


def test_the_saved_picture_carries_the_boxes_in_the_verdicts_colours(open_page: Open) -> None:
    page = open_page("try")
    _given(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save with boxes").click()
    saved = np.asarray(Pillow.open(BytesIO(download.value.path().read_bytes())).convert("RGB"))

    assert download.value.suggested_filename == "hall-maskwise.png"
    assert saved.shape == (HEIGHT, WIDTH, 3)
    for face in load("default")(scene()).to_json()["faces"]:
        left, top, _, bottom = (round(v) for v in face["box_xyxy"])
        edge = saved[(top + bottom) // 2, left - 2 : left + 3].astype(int)
        assert np.abs(edge - rgb_of(face["verdict"])).sum(axis=1).min() < 12


def test_the_slider_decides_anew_without_asking_the_service(open_page: Open) -> None:
    page = open_page("try")
    _given(page)
    expect(page.locator(".whole .sum")).to_have_text(SAID)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Confidence asked for").fill("0.98")

    expect(page.locator(".whole .sum")).to_have_text("1 with a mask, 0 without, 1 indeterminate")
    expect(page.get_by_text(re.compile(r"confidence 0\.97\d* is under 0\.98"))).to_be_visible()
    page.get_by_role("button", name="as calibrated").click()
    expect(page.locator(".whole .sum")).to_have_text(SAID)
    assert asked == []


def test_a_pasted_picture_is_looked_at(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_text("Drop pictures here")).to_be_visible()
    paste(page, encoded(scene(), ".jpg"))

    expect(page.locator(".whole .sum")).to_have_text(SAID)


def test_dropped_files_are_sorted_into_pictures_and_others(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_text("Drop pictures here")).to_be_visible()
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "hall.jpg", { type: "image/jpeg" }));
          data.items.add(new File(["x"], "notes.txt", { type: "text/plain" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(encoded(scene(), ".jpg")),
    )

    expect(page.locator(".whole .sum")).to_have_text(SAID)
    expect(page.get_by_text("Not a picture: notes.txt")).to_be_visible()


def test_a_broken_picture_costs_its_own_answer_only(open_page: Open) -> None:
    page = open_page("try")
    _given(page)
    page.get_by_label("Pictures to look at").set_input_files(
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    )

    expect(page.locator(".picture", has_text="broken.png").locator(".bad")).to_be_visible()
    expect(page.locator(".picture", has_text="hall.png").locator(".people li")).to_have_count(2)


def test_a_name_is_text_whatever_it_says(open_page: Open) -> None:
    page = open_page("try")
    name = "<img src=x onerror=alert(1)>.png"
    _given(page, name)

    expect(page.locator(".picture h2")).to_have_text(name)
    expect(page.locator("main img")).to_have_count(0)


def test_the_camera_is_looked_at_until_it_is_stopped(open_page: Open) -> None:
    page = open_page("try")
    page.get_by_role("button", name="Use the camera").click()
    card = page.locator(".picture")

    expect(card.locator(".sum")).to_have_text(SAID)
    expect(card.get_by_text(re.compile(r"checks a second, \d+ ms each"))).to_be_visible()
    assert page.evaluate(MASKED_SIDE) == "right"  # as in a mirror; in the picture it is on the left
    assert page.evaluate("getComputedStyle(document.querySelector('video')).transform").startswith("matrix(-1,")
    page.get_by_role("button", name="Stop the camera").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()


def test_a_page_that_is_opened_again_works_as_before(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_text("Drop pictures here")).to_be_visible()
    page.reload()  # now most of it comes as "not changed"
    _given(page)

    expect(page.locator(".whole .sum")).to_have_text(SAID)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_follow_the_system_until_somebody_chooses(open_page: Open, theme: str) -> None:
    page = open_page("try", theme=theme)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    of = {"light": "rgb(246, 245, 241)", "dark": "rgb(19, 23, 27)"}

    assert page.evaluate(ground) == of[theme]
    page.get_by_role("button", name="Colours: as the system").click()
    page.get_by_role("button", name="Colours: light").click()
    assert page.evaluate(ground) == of["dark"]
    page.reload()
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    assert page.evaluate(ground) == of["dark"]


def test_no_more_pictures_stay_than_a_page_can_hold(open_page: Open) -> None:
    page = open_page("try")
    expect(page.get_by_label("Operating point")).to_have_value("balanced")
    dot = encoded(np.zeros((8, 8, 3), np.uint8), ".png")
    files: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": dot} for number in range(26)
    ]
    page.get_by_label("Pictures to look at").set_input_files(files)

    expect(page.get_by_text("24 pictures are looked at here at once, 2 were left out.")).to_be_visible()
    expect(page.locator(".picture")).to_have_count(24)
    page.get_by_label("Pictures to look at").set_input_files(files[:1])
    expect(page.locator(".picture h2").first).to_have_text("0.png")
    expect(page.locator(".picture")).to_have_count(24)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".picture")).to_have_count(0)
    expect(page.get_by_role("button", name="Choose pictures")).to_be_focused()


def test_a_camera_that_is_taken_away_is_said(open_page: Open) -> None:
    page = open_page("try")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator(".picture .sum")).to_have_text(SAID)
    page.evaluate("document.querySelector('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")

    expect(page.locator(".picture .sum")).to_have_text("No picture")
    expect(page.get_by_text("The camera was unplugged")).to_be_visible()


def test_a_camera_that_was_closed_before_it_was_allowed_does_not_run(open_page: Open) -> None:
    page = open_page("try")
    page.evaluate(
        """() => {
          const { mediaDevices } = navigator, ask = mediaDevices.getUserMedia.bind(mediaDevices);
          mediaDevices.getUserMedia = async (wish) => {
            await new Promise((done) => { globalThis.allow = done; });
            return (globalThis.given = await ask(wish));
          };
        }"""
    )
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Stop the camera").click()
    page.evaluate("allow()")

    page.wait_for_function("() => globalThis.given?.getTracks().every(({ readyState }) => readyState === 'ended')")
