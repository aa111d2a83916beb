"""No request brings more than it may: it is refused by what it announces, and stopped where it announced nothing."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from maskwise.serving.problems import Problem


def too_large(limit: int) -> Problem:
    """413, and what would be allowed."""
    detail = f"the request brings more than {limit:,} bytes, the most that is taken here"
    return Problem(413, detail, headers={"Connection": "close"})


def check_announced(scope: Scope, limit: int) -> None:
    """Refuse what says itself that it is too much.

    Raises:
        Problem: 413.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)


def bounded(receive: Receive, limit: int) -> Receive:
    """Count what comes; the one who reads it is stopped at the limit, in bytes."""
    came = 0

    async def counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if message["type"] == "http.request" and came > limit:
            problem = too_large(limit)
            raise HTTPException(problem.status, problem.detail, problem.headers)
        return message

    return counted
