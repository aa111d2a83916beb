"""The page and its parts, as files: checked again at each visit, sent again only when they changed."""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files as files_of
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from maskwise.serving.problems import NotThere

TEXTS = {
    ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
    ".mjs": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}  # fmt: skip
"""What is sent compressed; machines differ in what they call these types, so they are named here."""

OTHERS = {".wasm": "application/wasm", ".onnx": "application/octet-stream", ".png": "image/png"}

LARGEST_TEXT = 2_000_000
"""Bytes; anything larger is read from disk each time."""

FRESH = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
"""A browser asks each time whether its copy is still good, so a page never runs with the scripts of another version."""

KEPT = ("cache-control", "content-type", "etag", "vary")


class Page(StaticFiles):
    """Files of a folder; whatever is not there is a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; nothing here speaks over a socket."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at a path, or `index.html` of the folder there.

        Raises:
            NotThere: no such file.
        """
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404:
                raise NotThere("page or file at this address; the page is at /") from None
            raise

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file; texts come compressed from memory where the browser takes them so."""
        path = Path(full_path)
        headers = Headers(scope=scope)
        if path.suffix in TEXTS and stat_result.st_size <= LARGEST_TEXT:
            return _text(path, stat_result.st_mtime_ns, headers, status_code)
        media_type = OTHERS.get(path.suffix, "application/octet-stream")
        file = FileResponse(full_path, status_code, FRESH, media_type, stat_result=stat_result)
        return Response(status_code=304, headers=_kept(file)) if _is_known(headers, file.headers["etag"]) else file


def _text(path: Path, changed_ns: int, headers: Headers, status_code: int) -> Response:
    plain, small, tag = _read(path, changed_ns)
    is_small = _takes_gzip(headers)
    etag = f'"{tag}-gzip"' if is_small else f'"{tag}"'
    more = {**FRESH, "ETag": etag, **({"Content-Encoding": "gzip"} if is_small else {})}
    answer = Response(small if is_small else plain, status_code, more, TEXTS[path.suffix])
    return Response(status_code=304, headers=_kept(answer)) if _is_known(headers, etag) else answer


@lru_cache(maxsize=256)
def _read(path: Path, _changed_ns: int) -> tuple[bytes, bytes, str]:
    """A file as it is, compressed, and its mark; read again when it was changed."""
    plain = path.read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0), sha256(plain).hexdigest()[:32]


def _takes_gzip(headers: Headers) -> bool:
    offers = [offer.replace(" ", "").lower() for offer in headers.get("accept-encoding", "").split(",")]
    return any(offer == "gzip" or (offer.startswith("gzip;q=") and offer[7:].strip("0.")) for offer in offers)


def _is_known(headers: Headers, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return etag in known


def _kept(answer: Response) -> dict[str, str]:
    """What a 304 repeats of the whole answer; by its type it is given the same policy, which a browser then keeps."""
    return {name: answer.headers[name] for name in KEPT if name in answer.headers}


files = Page(directory=str(files_of("maskwise.serving") / "page"), html=True)
