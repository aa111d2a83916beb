"""The in-browser mode in Chromium, one and two threads: until it is ready, bytes, milliseconds for a 640 x 480 picture.

Reference in the same run: the service's own checker on the same pixels, with as many threads. The picture has one face.
"""

from __future__ import annotations

import base64
import tempfile
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from playwright.sync_api import Page

import maskwise
from benchmarks.table import Row
from maskwise.data.embedded import astronaut
from maskwise.values import Image
from tests.serving.inside.browser import LOAD, opened_page, served, started_browser

ROUNDS, WARM_UP = 25, 5

TAKE = """(pixels) => {
  const rgb = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
  globalThis.picture = new ImageData(640, 480);
  for (let i = 0; i < 640 * 480; i++) picture.data.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
}"""

CHECK = """async () => {
  const started = performance.now();
  const found = await check(picture);
  if (found.faces.length !== 1) throw new Error(`${found.faces.length} faces`);
  return performance.now() - started;
}"""


def measure() -> list[Row]:
    """One row for each number of threads."""
    image = np.asarray(cv2.resize(astronaut(), (640, 640))[:480], np.uint8)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as (address, _),
        started_browser() as browser,
    ):
        rows = []
        for threads in (1, 2):
            with opened_page(browser, address) as page:
                rows.append(_row(page, image, threads))
    return rows


def _row(page: Page, image: Image, threads: int) -> Row:
    sizes: list[int] = []
    page.context.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    started = time.perf_counter()
    page.evaluate(LOAD, threads)
    ready_s = time.perf_counter() - started
    inside_ms, service_ms = _in_turn(page, image, threads)
    return {
        "threads": threads,
        "ready_s": round(ready_s, 2),
        "fetched_mb": round(sum(sizes) / 1e6, 2),
        "inside_ms": round(inside_ms, 1),
        "service_ms": round(service_ms, 1),
        "times": round(inside_ms / service_ms, 2),
    }


def _in_turn(page: Page, image: Image, threads: int) -> tuple[float, float]:
    """Medians of both, one picture here and one there: what else the machine does weighs on both alike."""
    check = maskwise.load(threads=threads)
    page.evaluate(TAKE, _base64(image))
    inside_ms, service_ms = list[float](), list[float]()
    for _ in range(ROUNDS + WARM_UP):
        inside_ms.append(page.evaluate(CHECK))
        started = time.perf_counter()
        check(image)
        service_ms.append(1000 * (time.perf_counter() - started))
    return median(inside_ms[WARM_UP:]), median(service_ms[WARM_UP:])


def _base64(image: Image) -> str:
    return base64.b64encode(image.tobytes()).decode()
