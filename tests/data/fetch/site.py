"""A real web server on this machine, which can drop connections, forget ranges and lie."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Page:
    """What the server does with one address.

    first: answers before the real one, as (status, headers).
    cut: after how many bytes of its body each answer breaks off, one after the other.
    hold: after how many bytes the server waits for `released`.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    first: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    chunked: bool = False
    ranges: bool = True
    length: bool = True
    hold: int | None = None
    later: Callable[[Page], None] = lambda _page: None


class Site:
    """A server, its pages, and what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.sent = 0
        self.released = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path)
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))
        if page is None:
            request.send_error(404)
            return
        if page.first:
            status, headers = page.first.pop(0)
            self._head(request, status, headers | {"Content-Length": "0"})
            return
        same = request.headers.get("If-Range") in (None, page.headers.get("ETag"), page.headers.get("Last-Modified"))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and page.ranges and same else 0
        headers = dict(page.headers)
        if start and start >= len(page.body):
            self._head(request, 416, headers | {"Content-Range": f"bytes */{len(page.body)}", "Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
        if page.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif page.length:
            headers["Content-Length"] = str(len(page.body) - start)
        self._head(request, 206 if start else 200, headers)
        self._body(request, page, page.body[start:])

    def _head(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        request.send_header("Connection", "close")
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def _body(self, request: BaseHTTPRequestHandler, page: Page, body: bytes) -> None:
        if page.chunked:
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        broken = page.cut.pop(0) if page.cut else None
        body = body[:broken]
        held = len(body) if page.hold is None else page.hold
        self._send(request, body[:held])
        if page.hold is not None:
            page.hold = None
            self.released.wait(20)
            self._send(request, body[held:])
        if broken is not None:
            request.close_connection = True
        page.later(page)

    def _send(self, request: BaseHTTPRequestHandler, data: bytes) -> None:
        try:
            request.wfile.write(data)
            request.wfile.flush()
            self.sent += len(data)
        except OSError:  # the other side was killed
            request.close_connection = True
