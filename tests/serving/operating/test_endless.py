from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maskwise.serving.operating.endless import Endless
from tests.serving.awaiting import awaited

SCOPE = {"type": "http"}


async def ended(kind: str) -> tuple[list[dict[str, Any]], bool, bool]:
    """What an answer of a kind sends when the service ends, whether it was cleaned up, and whether it has ended."""
    sent: list[dict[str, Any]] = []
    cleaned = False

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal cleaned
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        try:
            await asyncio.sleep(60)
        finally:
            cleaned = True

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(60)

    endless = Endless(app)
    task = asyncio.create_task(endless(SCOPE, receive, send))
    await asyncio.sleep(0)
    endless.end()
    done, _ = await asyncio.wait([task], timeout=0.2)
    if not done:
        task.cancel()
        await asyncio.wait([task])
    return sent, cleaned, bool(done)


@pytest.mark.parametrize(("kind", "ends"), [("text/event-stream; charset=utf-8", True), ("text/csv", False)])
def test_only_what_has_no_end_is_ended(kind: str, ends: bool) -> None:
    sent, cleaned, done = awaited(ended(kind))
    assert cleaned
    assert done is ends
    assert [message.get("more_body") for message in sent] == ([None, False] if ends else [None])
