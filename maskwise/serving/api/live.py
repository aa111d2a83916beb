"""`/v1/live`: what is seen and what happens, as it does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from maskwise.errors import InputError
from maskwise.serving.cameras.board import Board
from maskwise.serving.cameras.cameras import Cameras
from maskwise.serving.cameras.look import Look
from maskwise.serving.cameras.subscription import News, Subscription
from maskwise.serving.cameras.viewing import Viewing, Wanted, message
from maskwise.serving.guard.callers import Caller, Viewer
from maskwise.serving.problems import PROBLEMS, Busy, NotThere
from maskwise.serving.service import Parts
from maskwise.stream.outputs.blur import Blur

HEARTBEAT_S = 15.0
"""Proxies hang up on who is silent for longer."""

LONGEST_S = 3600.0
"""That a connection is kept; whoever comes again is asked once more who they are."""

STATUS_S = 1.0
"""Between two times that a page is told of every stream."""

OVER, WRONG, TRY_LATER = 1001, 1008, 1013
"""Why a WebSocket is closed (RFC 6455, 7.4, and its register)."""

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
        until_s = time.monotonic() + LONGEST_S
        while time.monotonic() < until_s:
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


@router.websocket("/pictures")
async def pictures(websocket: WebSocket, service: Parts, caller: Viewer) -> None:
    """The streams' pictures for a page, and what happens meanwhile."""
    await websocket.accept()
    try:
        subscription = service.cameras.board.subscribe()
    except Busy as busy:
        await websocket.close(code=TRY_LATER, reason=busy.detail)
        return
    subscription.shown = frozenset()
    page = _Page(websocket, service.cameras, subscription, caller)
    with subscription, contextlib.suppress(WebSocketDisconnect):
        listening = asyncio.create_task(page.listen())
        try:
            await page.tell()
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect):
                await listening


class _Page:
    """One page that is shown pictures. Only one task sends: what it has not sent yet is always the newest."""

    def __init__(self, websocket: WebSocket, cameras: Cameras, subscription: Subscription, caller: Caller) -> None:
        self._websocket, self._cameras, self._subscription, self._caller = websocket, cameras, subscription, caller
        self._viewing = Viewing()
        self._wrong = ""

    async def listen(self) -> None:
        """Hear what the page says until it leaves."""
        try:
            while (said := await self._websocket.receive())["type"] == "websocket.receive":
                self._viewing.hear(said.get("text") or "")
                self._subscription.shown = frozenset(self._viewing.shown)
                self._subscription.nudge()
        except InputError as error:
            self._wrong = str(error)
        finally:
            self._subscription.end()

    async def tell(self) -> None:
        """Send what there is until it is over."""
        board, over = self._cameras.board, False
        until_s = time.monotonic() + LONGEST_S
        status_s, wait_s = 0.0, 0.0
        while not over and time.monotonic() < until_s:
            news = await self._subscription.news(wait_s)
            over = news.over
            now_s = time.monotonic()
            everyone = now_s >= status_s
            status_s = now_s + STATUS_S if everyone else status_s
            for text in _texts(board, news, everyone=everyone):
                await self._websocket.send_text(text)
            wait_s = min(status_s - now_s, await self._send_pictures())
        if self._websocket.client_state is WebSocketState.CONNECTED:
            await self._websocket.close(WRONG if self._wrong else OVER, self._wrong[:100])

    async def _send_pictures(self) -> float:
        """Send those that are due; seconds until the next one may be."""
        soonest_s, due = STATUS_S, []
        for number, wanted in self._viewing.shown.items():
            look = self._cameras.board.look(number)
            wait_s = self._viewing.wait_s(look, time.monotonic()) if look else None
            if look is None or wait_s is None:
                continue
            if wait_s > 0:
                soonest_s = min(soonest_s, wait_s)
                continue
            due.append((look, self._cameras.pictures.of(look, wanted.width, self._blur(look, wanted))))
        for look, making in due:
            picture = await asyncio.wrap_future(making)
            self._viewing.note_sent(look, time.monotonic())
            await self._websocket.send_bytes(message(look, picture.content))
        return soonest_s

    def _blur(self, look: Look, wanted: Wanted) -> Blur:
        return wanted.blur or look.blur if self._caller.may("operator") else "all"


def _texts(board: Board, news: News, *, everyone: bool) -> list[str]:
    streams = board.streams()
    told = [one for one in streams if everyone or one["id"] in news.streams]
    said: list[dict[str, Any]] = [{"type": "stream", "stream": one} for one in told]
    said += [{"type": "gone", "stream": number} for number in news.gone]
    said += [{"type": "event", "event": event} for event in news.events]
    return [json.dumps(one, allow_nan=False, separators=(",", ":")) for one in said]
