"""`/v1/live`: what is seen and what happens, as it does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from maskwise.serving.cameras.board import Board
from maskwise.serving.cameras.subscription import News, Subscription
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import PROBLEMS, NotThere
from maskwise.serving.service import Parts

HEARTBEAT_S = 15.0
"""Proxies hang up on who is silent for longer."""

router = APIRouter(prefix="/v1/live", tags=["live"], responses=PROBLEMS)


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def live(
    service: Parts, _: Viewer, stream: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None
) -> StreamingResponse:
    """Looks, events and changes of state as Server-Sent Events; of one stream, or of all."""
    board = service.cameras.board
    if stream is not None:
        board.config(stream)
    told = _told(board, board.subscribe(stream), stream)
    return StreamingResponse(told, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, "text/event-stream")


async def _told(board: Board, subscription: Subscription, only: int | None) -> AsyncIterator[str]:
    with subscription:
        yield (
            "".join(_event("stream", one) for one in board.streams() if only in (None, one["id"]))
            or ": nothing yet\n\n"
        )
        while True:
            news = await subscription.news(HEARTBEAT_S)
            yield ": still here\n\n" if news.nothing else _lines(board, news)
            if news.over:
                return


def _lines(board: Board, news: News) -> str:
    parts = []
    for number in news.streams:
        try:
            parts.append(_event("stream", board.stream(number)))
        except NotThere:
            continue
    parts += [_event("gone", {"stream": number}) for number in news.gone]
    parts += [_event("event", event) for event in news.events]
    looks = [board.look(number) for number in news.looks]
    parts += [f"event: look\ndata: {look.text}\n\n" for look in looks if look]
    return "".join(parts)


def _event(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, allow_nan=False, separators=(',', ':'))}\n\n"
