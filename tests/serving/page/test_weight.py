from __future__ import annotations

from playwright.sync_api import expect

from maskwise.model.palette import COLOURS
from maskwise.values import NOT_A_FACE
from tests.serving.page.conftest import Open

MOST_BYTES = 80_000
VIEWS = ("try", "live", "history", "model", "setup", "api")

SENT = """async () => {
  const files = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname)
    .filter((path) => !path.startsWith("/v1"));
  const sizes = await Promise.all(["/", ...new Set(files)].map(async (path) =>
    [path, Number((await fetch(path, { cache: "no-store" })).headers.get("Content-Length"))]));
  return Object.fromEntries(sizes);
}"""
"""What every file that the page asked for weighs on its way."""


def test_every_view_together_is_light(open_page: Open) -> None:
    page = open_page("try")
    for view in VIEWS:
        page.evaluate("(view) => { location.hash = view; }", view)
        expect(page.locator(f"main .view.{view}")).to_be_visible()
    sizes = page.evaluate(SENT)

    assert {"/", "/style.css", "/js/app.js", "/js/views/live.js"} <= sizes.keys()
    assert not any(path.startswith(("/runtime", "/inside")) for path in sizes)
    assert all(size > 0 for size in sizes.values())
    assert sum(sizes.values()) < MOST_BYTES


def test_the_palette_of_the_page_is_that_of_the_package(open_page: Open) -> None:
    page = open_page("try")
    drawn = page.evaluate("import('/js/look/draw.js').then(({ COLOURS }) => COLOURS)")
    style = "getComputedStyle(document.documentElement).getPropertyValue"

    assert drawn == {verdict: colour for verdict, colour in COLOURS.items() if verdict != NOT_A_FACE}
    for verdict, colour in drawn.items():
        assert page.evaluate(f"{style}('--{verdict}')").strip().upper() == colour.upper()
