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
from playwright.sync_api import Page, sync_playwright
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwise.serving.app import create_app
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Settings
from tests.serving.inside.needs import CHROMIUM

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": POLICY,
}
"""What the page is sent with."""

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


class _WithHeaders:
    """The application, with the headers above where it sends none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, sent)


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[tuple[str, Service]]:
    """The address of a running service, and its parts."""
    with opened(Settings(folder, port=0, **settings)) as service:
        server = uvicorn.Server(uvicorn.Config(_WithHeaders(create_app(service)), "127.0.0.1", 0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}", service
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def opened_page(address: str) -> Iterator[Page]:
    """The service's page in a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        yield page
        browser.close()


def checked(page: Page, picture: bytes, **options: Any) -> dict[str, Any]:
    """What the page says of the bytes of a picture file, checked inside the browser."""
    result: dict[str, Any] = page.evaluate(CHECK, [base64.b64encode(picture).decode(), options])
    return result
