"""The page of `maskwise serve` in Chromium on this machine: until something is painted, and what it weighs.

Each visit is that of a browser which keeps nothing from before. `paint_ms` is the first contentful paint after the
address was entered, `ready_ms` until a picture can be dropped, both by the browser's clock; `kb` is all that was sent
until then, headers included, before anybody asks for the model in the browser.
"""

from __future__ import annotations

from statistics import median
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from benchmarks.serving import ours
from benchmarks.table import Row
from tests.serving.inside.browser import started_browser

VISITS = 10

SEEN = """() => new Promise((done) => {
  new PerformanceObserver((list, observer) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (!paint) return;
    observer.disconnect();
    const sent = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    done({
      paint: paint.startTime,
      ready: performance.now(),
      bytes: sent.reduce((sum, { transferSize }) => sum + transferSize, 0),
    });
  }).observe({ type: "paint", buffered: true });
})"""


def measure(visits: int = VISITS) -> list[Row]:
    """One row."""
    with ours() as server, started_browser() as browser:
        address = "{0.scheme}://{0.netloc}/".format(urlsplit(server.url))
        _visit(browser, address)  # the service reads and compresses its files once
        seen = [_visit(browser, address) for _ in range(visits)]
    return [
        {
            "visits": visits,
            "paint_ms": round(median(one["paint"] for one in seen), 1),
            "paint_ms_most": round(max(one["paint"] for one in seen), 1),
            "ready_ms": round(median(one["ready"] for one in seen), 1),
            "kb": round(max(one["bytes"] for one in seen) / 1000, 1),
        }
    ]


def _visit(browser: Browser, address: str) -> dict[str, float]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_text("Drop pictures here").wait_for()
        seen: dict[str, float] = page.evaluate(SEEN)
        return seen
