"""A look at the stream in a browser on this machine: Motion JPEG over HTTP, and nothing kept."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2

from maskwise.errors import StorageError
from maskwise.stream.outputs.annotated import drawn
from maskwise.stream.outputs.blur import Blur
from maskwise.stream.outputs.drawing import Drawing
from maskwise.stream.watching import Moment
from maskwise.values import Image

HOST = "127.0.0.1"
QUALITY = 80
BOUNDARY = "maskwise-frame"
WAIT_S = 5.0
"""A browser that is shown nothing for so long gets the last picture once more, which also finds out whether it left."""

PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>maskwise: preview</title>
<meta name="viewport" content="width=device-width"><style>html{background:#111}body{margin:0}
img{display:block;max-width:100vw;max-height:100vh;margin:auto}</style>
<img src="stream.mjpg" alt="the watched stream">"""


class Preview:
    """Shows the frames that were looked at to browsers on this machine, and to nobody else; a sink for moments.

    Pictures are drawn and encoded only while somebody looks. A browser that is slow misses frames.

    address: of the page.
    """

    def __init__(self, port: int, blur: Blur, drawing: Drawing | None = None) -> None:
        """Begin to listen.

        Args:
            port: on the loopback address; 0 takes a free one.
            blur: whose faces are made unrecognisable.
            drawing: draws people, zones and lines.

        Raises:
            StorageError: the port is taken.
        """
        self._blur, self._drawing = blur, drawing or Drawing()
        self._arrived = threading.Condition()
        self._jpeg, self._number, self._viewers, self._closed = b"", 0, 0, False
        try:
            self._server = ThreadingHTTPServer((HOST, port), self._handler())
        except (OSError, OverflowError) as error:
            raise StorageError(f"preview: port {port} of this machine cannot be used: {error}") from error
        self._server.daemon_threads = True
        self.address = f"http://{HOST}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="preview", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def look(self, moment: Moment) -> None:
        """Show a frame that was looked at, so that no face is seen that is not known yet."""
        if moment.result is None or not self._viewers:
            return
        jpeg = _encoded(drawn(moment, self._blur, self._drawing))
        with self._arrived:
            self._jpeg, self._number = jpeg, self._number + 1
            self._arrived.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        preview = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self) -> None:
                """Give the page or the pictures; only to who asked for this machine by its own name."""
                host = (self.headers.get("Host") or "").partition(":")[0]
                if host not in (HOST, "localhost"):  # a foreign page whose name was made to point here
                    self.send_error(403)
                elif self.path == "/":
                    self._answer("text/html; charset=utf-8")
                    self.wfile.write(PAGE)
                elif self.path == "/stream.mjpg":
                    self._answer(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                    preview._show(self)
                else:
                    self.send_error(404)

            def _answer(self, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Cache-Control", "no-store")
                self.send_header("Cross-Origin-Resource-Policy", "same-origin")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nobody's requests are logged."""

        return Handler

    def _show(self, to: BaseHTTPRequestHandler) -> None:
        """Send pictures as they come until the browser leaves."""
        with self._arrived:
            self._viewers += 1
        seen = 0
        try:
            while not self._closed:
                jpeg, seen = self._after(seen)
                if jpeg:
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    to.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            pass  # the browser left
        finally:
            with self._arrived:
                self._viewers -= 1

    def _after(self, seen: int) -> tuple[bytes, int]:
        """The picture after this one, or the last once more where none has come for a while."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._number > seen or self._closed, WAIT_S)
            return self._jpeg, self._number


def _encoded(image: Image) -> bytes:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
