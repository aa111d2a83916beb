from __future__ import annotations

from playwright.sync_api import Response, expect
from tests.serving.page.conftest import Open

from maskwise.model.palette import COLOURS
from maskwise.values import NOT_A_FACE

MOST_BYTES = 80_000
FIRST_PAINT_MS = 1000


def test_the_whole_page_is_light_and_comes_from_one_host(open_page: Open) -> None:
    page = open_page("try")
    came: list[Response] = []
    page.on("response", came.append)
    page.reload()  # from here on everything is counted
    for view in ("try", "live", "history", "model", "setup", "api"):
        page.evaluate("(view) => { location.hash = view; }", view)
        expect(page.locator(f"main .view.{view if view != 'api' else 'api'}")).to_be_visible()
        page.wait_for_load_state("networkidle") if view != "live" else page.wait_for_timeout(300)
    paths = "performance.getEntriesByType('resource').map(({ name, decodedBodySize }) => [new URL(name).pathname, decodedBodySize])"
    names = {path for path, _ in page.evaluate(paths)}
    sizes = page.evaluate(
        """async (names) => {
          let sum = 0;
          for (const name of [...names, "/"]) {
            const answer = await fetch(name, { cache: "no-store" });
            sum += Number(answer.headers.get("Content-Length"));
          }
          return sum;
        }""",
        [name for name in names if not name.startswith(("/v1", "/inside"))],
    )

    assert not any(name.startswith("/runtime") for name in names)
    assert 20_000 < sizes < MOST_BYTES


def test_the_palette_of_the_page_is_that_of_the_package(open_page: Open) -> None:
    page = open_page("try")
    drawn = page.evaluate("import('/js/look/draw.js').then(({ COLOURS }) => COLOURS)")
    style = "getComputedStyle(document.documentElement).getPropertyValue"

    assert drawn == {verdict: colour for verdict, colour in COLOURS.items() if verdict != NOT_A_FACE}
    for verdict, colour in drawn.items():
        assert page.evaluate(f"{style}('--{verdict}')").strip().upper() == colour.upper()
