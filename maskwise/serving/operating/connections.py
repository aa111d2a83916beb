"""Connections are bounded, in number, bytes and time: who is at the other end is not known yet, and may be anybody.

| what                                             | at most                                                       |
|--------------------------------------------------|---------------------------------------------------------------|
| connections of all, and of one client            | MOST, MOST_OF_ONE; further ones are answered 503 and closed   |
| a request's head, and what surrounds its body    | MOST_BYTES                                                    |
| a head on its way                                | HEAD_S                                                        |
| what comes of a body after the answer is there   | REST_S                                                        |
| an answer that nobody takes                      | STALLED_S                                                     |

A body on its way is bounded by the guard, which can say so.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from maskwise.serving.guard.clients import is_loopback, is_within
from maskwise.serving.guard.rates import network_of
from maskwise.serving.problems import Problem, answer
from maskwise.serving.settings import Network

MOST, MOST_OF_ONE = 600, 128
"""Below the 1,024 files that a process may usually have open. Proxies, and this machine, are not held to the second."""

MOST_BYTES = 65_536
FRAMING = 8
"""Bytes around a byte of a body: more than the smallest chunks need."""

HEAD_S, REST_S, STALLED_S = 30.0, 5.0, 60.0

FULL = Problem(503, "too many connections; close some, or come again later", headers={"Retry-After": "5"})
NO_HTTP = Problem(400, "this is no request of HTTP, or its head is too long")


class Stalls:
    """A connection whose other end takes nothing any more is cut off: closing it would wait for what is to be sent."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The other end is slow."""
        super().pause_writing()  # type: ignore[misc]  # of the protocol beside this class
        self._stalled = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It took something."""
        self._go_on()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._go_on()
        super().connection_lost(exc)  # type: ignore[misc]

    def _go_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class SocketConnection(Stalls, WebSocketsSansIOProtocol):
    """A WebSocket; uvicorn asks for life signs itself."""


class Connection(Stalls, HttpToolsProtocol):
    """A connection for requests, one after the other."""

    def __init__(self, *args: Any, proxies: tuple[Network, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._proxies = proxies
        self._in_head, self._around, self._body = True, 0, 0
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected, and should say what they want."""
        super().connection_made(transport)
        if self._is_one_too_many():
            self._refuse(FULL)
        else:
            self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        self._around += len(data)
        if self._in_head and self._clock is None:
            self._wait(HEAD_S)
        super().data_received(data)
        if self._around > MOST_BYTES + FRAMING * self._body:
            self._refuse(NO_HTTP)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head, self._around = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, without what surrounds it."""
        self._around -= len(body)
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next thing to come is another head; how long one may wait for it is bounded by uvicorn."""
        self._in_head, self._around, self._body = True, 0, 0
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is there; who has not read it may send on for a moment."""
        super().on_response_complete()
        if not self._in_head and self.cycle.response_complete and not self.transport.is_closing():
            self._wait(REST_S)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours is a problem, as every error
        """What came is not to be understood."""
        self._refuse(NO_HTTP)

    def _refuse(self, problem: Problem) -> None:
        """Close, and say why where nothing else is being said."""
        if not self.transport.is_closing() and self._is_silent():
            self.transport.write(_written(problem))
        self.transport.close()

    def _is_silent(self) -> bool:
        return self.cycle is None or self.cycle.response_complete or not self.cycle.response_started

    def _is_one_too_many(self) -> bool:
        clients = [client[0] for one in self.connections if (client := getattr(one, "client", None))]
        if len(self.connections) > MOST:
            return True
        mine = self.client[0] if self.client else ""
        if is_loopback(mine) or is_within(mine, self._proxies):
            return False
        return sum(_network(client) == _network(mine) for client in clients) > MOST_OF_ONE

    def _wait(self, seconds: float) -> None:
        self._clock = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


_network = lru_cache(4 * MOST)(network_of)


def _written(problem: Problem) -> bytes:
    """A problem as it is sent."""
    said = answer(problem)
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(), b"connection: close"]
    lines += [b": ".join(header) for header in said.raw_headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(said.body)
