"""The real service on a free port, and a browser that opens its page."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from maskwise.serving.app import create_app
from maskwise.serving.service import opened
from maskwise.serving.settings import Settings
from tests.serving.inside.needs import CHROMIUM

LOAD = """async (threads) => {
  const { load } = await import("/js/inside/inside.js");
  globalThis.progress = [];
  globalThis.check = await load((done) => progress.push(done), { threads });
  return { threads: check.threads, model: check.model, progress };
}"""

CHECK = """async ([picture, options]) => {
  const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
  return check(new Blob([bytes]), options);
}"""


class _Watched:
    """The application, which remembers what it was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.append(scope["path"])
        await self._app(scope, receive, send)


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[tuple[str, list[str]]]:
    """The address of a running service, and the paths that it was asked for so far."""
    with opened(Settings(folder, port=0, **settings)) as service:
        watched = _Watched(create_app(service))
        server = uvicorn.Server(uvicorn.Config(watched, "127.0.0.1", 0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}", watched.asked
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def started_browser() -> Iterator[Browser]:
    """A browser without a window; only one can be open at a time."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened_page(browser: Browser, address: str) -> Iterator[Page]:
    """The service's page in a browser that knows nothing yet: nothing is kept from pages before."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        yield page


def checked(page: Page, picture: bytes, **options: Any) -> dict[str, Any]:
    """What the page says of the bytes of a picture file, checked inside the browser."""
    result: dict[str, Any] = page.evaluate(CHECK, [base64.b64encode(picture).decode(), options])
    return result
