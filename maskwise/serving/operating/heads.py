"""The heads of requests are bounded, in bytes and in time: what asks is not known yet, and may be anybody."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 65_536
PATIENCE_S = 30.0


class BoundedHeads(HttpToolsProtocol):
    """A connection that is refused if a request's head is too long, and closed if it is too long in coming."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head, self._bytes = True, 0
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected, and should say what they want."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self._in_head:
            self._bytes += len(data)
            if self._clock is None:
                self._wait()
        super().data_received(data)
        if self._in_head and self._bytes > MOST_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too long.")

    def on_headers_complete(self) -> None:
        """The head is there; the body is bounded elsewhere."""
        self._in_head, self._bytes = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next thing to come is another head; how long one may wait for it is bounded by uvicorn."""
        self._in_head = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._clock = self.loop.call_later(PATIENCE_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
