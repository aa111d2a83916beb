"""One browser and one service for these tests; each gets a page of its own, which is held to what it promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from maskwise.serving.app import create_app
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Settings
from tests.needs import program
from tests.serving.page.scenes import camera_file, film

FILM_S = 90
WAIT_MS = 20_000
"""A busy machine takes its time; a test that passes never waits so long."""


@dataclass(frozen=True)
class Running:
    """A service that listens.

    address: of its page. parts: what it is made of.
    """

    address: str
    parts: Service


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Running]:
    """A service on a free port of this machine, until the end of the block."""
    with opened(Settings(folder, port=0, cores=1, **settings)) as parts:
        config = uvicorn.Config(create_app(parts), "127.0.0.1", 0, log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Running(f"http://127.0.0.1:{port}", parts)
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with films that streams may be opened from."""
    folder = tmp_path_factory.mktemp("media")
    film(folder / "hall.mp4", FILM_S)
    return folder


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Running]:
    """A service of this machine: nobody needs a token."""
    with running(tmp_path_factory.mktemp("service"), media=(media,)) as service:
        yield service


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a camera that shows two people."""
    path = program("chromium")
    camera = camera_file(tmp_path_factory.mktemp("camera") / "two.mjpeg")
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a page did that it must not do.

    hosts: that it asked for something. complaints: errors of its scripts, and what its own policy kept it from.
    """

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Note whatever the pages of a context do."""
        context.on("request", self._asked)
        context.on("console", lambda message: self._said(message.type, message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data"):
            self.hosts.add(parts.netloc)

    def _said(self, kind: str, text: str) -> None:
        # That the service refused something is told to whoever sits there; the browser notes it as an error as well.
        if kind in ("error", "warning") and "the server responded with a status of 4" not in text:
            self.complaints.append(text)


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, here: Running) -> Iterator[Open]:
    """Opens a view of a service, `here` if no other is named; at the end, no page may have misbehaved."""
    contexts: list[BrowserContext] = []
    watched: list[tuple[Watched, str]] = []

    def open_(view: str, service: Running = here, width: int = 1280, theme: Any = "light", **more: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce", **more
        )
        context.set_default_timeout(WAIT_MS)
        follow = Watched()
        follow.follow(context)
        contexts.append(context)
        watched.append((follow, urlsplit(service.address).netloc))
        page = context.new_page()
        page.goto(f"{service.address}/#{view}")
        return page

    yield open_
    for context in contexts:
        context.close()
    for follow, host in watched:
        assert follow.hosts <= {host}
        assert follow.complaints == []
