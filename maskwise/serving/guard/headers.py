"""What every answer says to browsers, errors included: what may be loaded, and that nobody else may show or keep it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwise.serving.guard.clients import client_of
from maskwise.serving.settings import Network

PAGE = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
DATA = "default-src 'none'; frame-ancestors 'none'"

OF_PAGE = ("text/html", "text/javascript", "application/javascript")
"""A worker obeys the policy of its own script, so scripts carry the page's."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}

YEAR_S = 31_536_000


class SecurityHeaders:
    """ASGI: outside of everything that answers."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; the beginning of an answer gets its headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                self._add(scope, headers)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        kind = headers.get("content-type", "").partition(";")[0]
        headers["Content-Security-Policy"] = PAGE if kind in OF_PAGE else DATA
        if scope["path"].startswith("/v1"):
            headers["Cache-Control"] = "no-store"
        else:
            headers.setdefault("Cache-Control", "no-cache")  # it may be kept, and is asked for whether it still holds
        if self._proxies and client_of(scope, self._proxies).is_secure:
            headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
