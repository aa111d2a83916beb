"""Every request is seen from outside: numbered, counted, timed, and written down in one line."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwise.serving.guard.callers import Caller
from maskwise.serving.operating.metrics import Metrics

ID = "X-Request-ID"
OTHERS, REFUSED = "others", "refused"
"""Paths that are no route's, and requests that the guard turned away; never by name: names that are
made up would fill the metrics."""

QUIET = ("/healthz", "/readyz", "/metrics", OTHERS)
"""Asked for so often that they are written down only where something is wrong."""

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

log = logging.getLogger("maskwise.requests")


class Requests:
    """ASGI: outermost."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, templates: Mapping[object, str], *, addresses: bool = False
    ) -> None:
        """Around an application.

        Args:
            app: that answers.
            metrics: that count.
            templates: path of each route, by its endpoint.
            addresses: the log says where each request came from.
        """
        self._app, self._metrics, self._templates, self._addresses = app, metrics, templates, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and see what becomes of it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        id = scope.setdefault("state", {})["request_id"] = _id_of(scope)
        began, status = time.perf_counter(), 500 if scope["type"] == "http" else 1006

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID] = id
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            elif message["type"] == "websocket.accept":
                status = 1000
            await send(message)

        try:
            await self._app(scope, receive, seen)
        except Exception:
            log.exception("request %s failed", id)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._route(scope)
        method = scope.get("method", "WEBSOCKET")
        method = method if method in (*_METHODS, "WEBSOCKET") else OTHERS
        self._metrics.requests.labels(method, route, str(status)).inc()
        if scope["type"] == "http":
            self._metrics.request_seconds.labels(route).observe(seconds)
        caller: Caller | None = scope["state"].get("caller")
        facts = {
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "caller": caller.name if caller else None,
            "request_id": scope["state"]["request_id"],
        }
        if self._addresses and (client := scope["state"].get("client")):
            facts["client"] = client.address
        log.log(_level(scope["type"], route, status), "%s %s %s", method, route, status, extra={"facts": facts})

    def _route(self, scope: Scope) -> str:
        return REFUSED if scope["state"].get("refused") else self._templates.get(scope.get("endpoint"), OTHERS)


def _id_of(scope: Scope) -> str:
    """The number that came along, if it is one; else a new one."""
    given = Headers(scope=scope).get(ID, "")
    return given if _SANE.fullmatch(given) else secrets.token_hex(8)


def _level(kind: str, route: str, status: int) -> int:
    if kind == "http" and status >= 500:
        return logging.ERROR
    return logging.DEBUG if route in QUIET and status < 400 else logging.INFO
