"""Answers that never end by themselves: ended when the service ends, so that nobody waits for them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVENTS = "text/event-stream"


class Endless:
    """ASGI: knows which answers are streams of events."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running: set[asyncio.Task[Any]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, until `end`."""
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and _is_endless(message):
                self._running.add(task)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if not (self._ending and task in self._running):
                raise
            task.uncancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._running.discard(task)

    def end(self) -> None:
        """End them all."""
        self._ending = True
        for task in self._running:
            task.cancel()


def _is_endless(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(EVENTS)
