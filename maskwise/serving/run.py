"""The process: it listens, and ends in good order."""

from __future__ import annotations

from collections.abc import Callable

import uvicorn

from maskwise.serving.app import create_app
from maskwise.serving.service import opened
from maskwise.serving.settings import Settings


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until asked to end."""
    with opened(settings) as service:
        config = uvicorn.Config(create_app(service), settings.host, settings.port, log_config=None, access_log=False)
        say(f"maskwise is at http://{settings.host}:{settings.port}/")
        uvicorn.Server(config).run()
