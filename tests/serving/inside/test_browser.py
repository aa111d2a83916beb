"""The in-browser mode in a real browser, from the real service, against what the service says of the same pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Error, Page

import maskwise
from maskwise.data.embedded import astronaut
from maskwise.inference.checker import Checker
from maskwise.model.images import decode_image
from maskwise.values import Image
from tests.serving.inside.browser import LOAD, checked, opened_page, served, started_browser
from tests.serving.inside.comparing import compare
from tests.serving.inside.needs import need_chromium, need_runtime
from tests.serving.inside.pictures import encoded, noise_and_nothing, some_pictures


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need_chromium()
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page that has loaded the mode with two threads."""
    need_runtime()
    with served(tmp_path_factory.mktemp("service")) as (address, _), opened_page(browser, address) as page:
        page.evaluate(LOAD, 2)
        yield page


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    return some_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def check() -> Checker:
    return maskwise.load(threads=1)


def test_equal_pixels_give_the_services_answer(page: Page, pictures: list[Image], check: Checker) -> None:
    found = compare((checked(page, encoded(p, "PNG")), check(p).to_json()) for p in pictures)
    assert found.faces > 60, found
    assert found.same_count == found.pictures == len(pictures), found
    assert found.same_verdict == found.faces, found
    assert found.least_iou > 0.995, found
    assert max(found.differences) < 0.02, found


def test_jpeg_files_give_the_services_answer(page: Page, pictures: list[Image], check: Checker) -> None:
    files = [encoded(p, "JPEG") for p in pictures[::3]]
    found = compare((checked(page, file), check(decode_image(file, "")).to_json()) for file in files)
    assert found.same_count == found.pictures, found
    assert found.same_verdict >= found.faces - 1, found
    assert found.least_iou > 0.98, found
    assert max(found.differences) < 0.1, found


@pytest.mark.slow
def test_photographs_give_the_services_answer(page: Page, check: Checker, shared_data: Path) -> None:
    files = sorted(path for name in ("jolignier", "macwin", "yivanov") for path in (shared_data / name).rglob("*.jpg"))
    chosen = np.random.default_rng(0).choice(len(files), 300, replace=False)
    contents = [files[i].read_bytes() for i in chosen]
    found = compare((checked(page, file), check(decode_image(file, "")).to_json()) for file in contents)
    assert found.pictures == 300, found
    assert found.same_count >= 298, found
    assert found.same_verdict >= 0.99 * found.faces, found
    assert np.quantile(found.differences, 0.99) < 0.02, found


def test_pictures_of_the_camera_give_it_too(page: Page, check: Checker) -> None:
    expected = check(astronaut()).to_json()
    pixels = "const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0)); const blob = new Blob([bytes]);"
    png = _base64(encoded(astronaut(), "PNG"))
    bitmap = f"async (png) => {{ {pixels} const bitmap = await createImageBitmap(blob);"
    kept = page.evaluate(bitmap + "const found = await check(bitmap); return [found, bitmap.width]; }", png)
    given = page.evaluate(
        bitmap + "const found = await check(bitmap, { give: true }); return [found, bitmap.width]; }", png
    )
    drawn = page.evaluate(
        bitmap + "const context = new OffscreenCanvas(512, 512).getContext('2d'); context.drawImage(bitmap, 0, 0);"
        "return check(context.getImageData(0, 0, 512, 512), { index: 3, time_s: 0.5, source: 'camera' }); }",
        png,
    )
    assert kept == [expected, 512]
    assert given == [expected, 0]
    assert drawn == expected | {"index": 3, "time_s": 0.5, "source": "camera"}


def test_nothing_leaves_while_pictures_are_checked(browser: Browser, tmp_path: Path, pictures: list[Image]) -> None:
    need_runtime()
    with served(tmp_path) as (address, asked_of_service), opened_page(browser, address) as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.evaluate(LOAD, 2)
        assert f"{address}/inside/classifier.onnx" in asked  # the worker's requests are seen, too
        assert {url.split("/")[2] for url in asked} == {address.split("/")[2]}
        asked.clear()
        asked_of_service.clear()
        for picture in pictures[:4]:
            assert checked(page, encoded(picture, "JPEG"))["faces"]
        page.wait_for_timeout(500)
        assert asked == asked_of_service == []


def test_pictures_without_faces_have_none(page: Page, check: Checker) -> None:
    for picture in noise_and_nothing():
        assert checked(page, encoded(picture, "PNG")) == check(picture).to_json()


def test_operating_points_and_thresholds_are_the_models(page: Page, pictures: list[Image]) -> None:
    wishes: list[tuple[dict[str, Any], Checker]] = [
        ({"operatingPoint": "statistics"}, maskwise.load(operating_point="statistics")),
        ({"operatingPoint": "gate", "threshold": 0.97}, maskwise.load(operating_point="gate", threshold=0.97)),
    ]
    for options, loaded in wishes:
        for picture in pictures[:3]:
            inside, outside = checked(page, encoded(picture, "PNG"), **options), loaded(picture).to_json()
            verdicts = [[(f["verdict"], f["uncertain_because"]) for f in one["faces"]] for one in (inside, outside)]
            assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"operatingPoint": "best"}, "it has balanced, gate, statistics"), ({"threshold": 2}, "not between 0 and 1")],
)
def test_a_wrong_wish_is_an_error_in_words(page: Page, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Error, match=message):
        checked(page, encoded(astronaut(), "PNG"), **options)


def test_what_is_neither_file_nor_picture_is_an_error(page: Page) -> None:
    with pytest.raises(Error, match="give a Blob, an ImageBitmap or an ImageData"):
        page.evaluate("check('hall.jpg')")


@pytest.mark.parametrize(
    ("file", "because"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "not a picture"),
        (encoded(astronaut(), "PNG")[:3000], "damaged"),
    ],
    ids=["empty", "text", "cut off"],
)
def test_what_is_no_picture_costs_its_row_and_no_more(page: Page, file: bytes, because: str) -> None:
    result = checked(page, file)
    assert because in result["error"]
    assert (result["width"], result["height"], result["faces"]) == (0, 0, [])
    assert checked(page, encoded(astronaut(), "PNG"))["faces"]


def test_pictures_are_turned_upright(page: Page, check: Checker) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # lies on its side
    file = io.BytesIO()
    Pillow.fromarray(np.rot90(astronaut())).save(file, "PNG", exif=exif)
    assert checked(page, file.getvalue()) == check(decode_image(file.getvalue(), "")).to_json()
    assert checked(page, file.getvalue())["faces"][0]["verdict"] == "unmasked"


def test_several_at_once_are_answered_each_its_own(page: Page, pictures: list[Image], check: Checker) -> None:
    files = [_base64(encoded(p, "PNG")) for p in pictures[:5]]
    together = """async (files) => Promise.all(files.map((file, index) => {
      const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
      return check(new Blob([bytes]), { index });
    }))"""
    answers = page.evaluate(together, files)
    assert [a["index"] for a in answers] == [0, 1, 2, 3, 4]
    assert [len(a["faces"]) for a in answers] == [len(check(p).faces) for p in pictures[:5]]


def test_loading_tells_how_far_it_is_and_how_many_threads_it_takes(browser: Browser, tmp_path: Path) -> None:
    need_runtime()
    with served(tmp_path) as (address, _), opened_page(browser, address) as page:
        loaded = page.evaluate(LOAD, 1)
        isolated = page.evaluate("crossOriginIsolated")
        page.evaluate("check.close()")
        with pytest.raises(Error, match="was closed; load it again"):
            page.evaluate("check(new Blob(['x']))")
    done = [step["loaded"] for step in loaded["progress"]]
    assert isolated
    assert loaded["threads"] == 1
    assert done == sorted(done)
    assert done[-1] == loaded["progress"][-1]["total"] == loaded["model"]["bytes"]


def test_without_the_runtime_loading_says_why(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskwise.serving.api.inside.RUNTIME", tmp_path)
    with (
        served(tmp_path / "service") as (address, _),
        opened_page(browser, address) as page,
        pytest.raises(Error, match="in-browser mode"),
    ):
        page.evaluate(LOAD, 1)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
