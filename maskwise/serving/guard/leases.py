"""Answers that last: whoever is no longer known is told no more, even where they were when the answer began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import Message, Send

from maskwise.serving.guard.callers import AGAINST_RULES

EVERY_S = 10.0
"""How long somebody who is no longer known may be told more."""


class Ended(OSError):  # noqa: N818 - what happened, not a fault
    """The caller may not be told more; an OSError, as if they had gone away."""


class Lease:
    """Sends for somebody as long as they are known.

    has_ended: they are not any more.
    """

    def __init__(self, send: Send, still: Callable[[], Awaitable[bool]]) -> None:
        """For one request.

        Args:
            send: to the client.
            still: whether the caller may still ask.
        """
        self._send, self._still = send, still
        self._asked_s = asyncio.get_running_loop().time()
        self._begun: Message | None = None
        self.has_ended = False

    async def send(self, message: Message) -> None:
        """Send on.

        Raises:
            Ended: not any more.
        """
        now_s = asyncio.get_running_loop().time()
        if self.has_ended:
            raise Ended
        if now_s - self._asked_s >= EVERY_S:
            self._asked_s = now_s
            if not await self._still():
                self.has_ended = True
                raise Ended
        if message["type"] in ("http.response.start", "websocket.accept"):
            self._begun = message
        await self._send(message)

    async def close(self) -> None:
        """End the answer; one that is a file is broken off, so that nobody takes the part for the whole."""
        if self._begun is None:
            return
        if self._begun["type"] == "websocket.accept":
            await self._send({"type": "websocket.close", "code": AGAINST_RULES, "reason": "signed out"})
        elif Headers(raw=self._begun["headers"]).get("content-type", "").startswith("text/event-stream"):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
