"""No request brings more than it may, nor more slowly: it is refused by what it announces, or stopped on its way."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from maskwise.serving.problems import Problem

PATIENCE_S, LEAST_PER_S = 30.0, 5_000
"""For the beginning of a body, and bytes a second from then on: slower than any line, faster than who holds a place."""


def too_large(limit: int) -> Problem:
    """413, and what would be allowed."""
    detail = f"the request brings more than {limit:,} bytes, the most that is taken here"
    return Problem(413, detail, headers={"Connection": "close"})


def too_slow() -> Problem:
    """408, and what would be fast enough."""
    detail = f"it came too slowly: {PATIENCE_S:.0f} s, and one more for every {LEAST_PER_S:,} bytes; send it again"
    return Problem(408, detail, headers={"Connection": "close"})


def check_announced(scope: Scope, limit: int) -> None:
    """Refuse what says itself that it is too much.

    Raises:
        Problem: 413.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large(limit)


def bounded(receive: Receive, limit: int) -> Receive:
    """Count what comes; the one who reads it is stopped at the limit, in bytes, and where it comes too slowly."""
    came, is_whole, loop = 0, False, asyncio.get_running_loop()
    began_s = loop.time()

    async def counted() -> Message:
        nonlocal came, is_whole
        if is_whole:  # what comes now is that the client is gone, whenever that may be
            return await receive()
        try:
            async with asyncio.timeout_at(began_s + PATIENCE_S + came / LEAST_PER_S):
                message = await receive()
        except TimeoutError:
            raise _stopped(too_slow()) from None
        came += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if message["type"] == "http.request" and came > limit:
            raise _stopped(too_large(limit))
        return message

    return counted


def _stopped(problem: Problem) -> HTTPException:
    """As the framework lets it through, wherever it reads."""
    return HTTPException(problem.status, problem.detail, problem.headers)
