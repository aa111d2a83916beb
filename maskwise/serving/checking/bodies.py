"""The body of a request as pictures, taken in as it comes: never more of it than is allowed, and never on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PureWindowsPath

from starlette.requests import ClientDisconnect, Request

from maskwise.serving.checking.looking import Sent
from maskwise.serving.checking.parts import PartsParser
from maskwise.serving.problems import Busy, Problem
from maskwise.serving.settings import Limits

ENVELOPE_BYTES = 64_000
"""What a multipart body may hold beside its pictures."""

LONGEST_NAME = 255

RAW = "send one picture as image/* or application/octet-stream, or several as multipart/form-data"


class Room:
    """Memory for the bodies of all requests together; used in the event loop alone."""

    def __init__(self, limits: Limits) -> None:
        """One request of the largest kind must fit."""
        self._free = limits.max_bytes * limits.max_pictures + ENVELOPE_BYTES

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """Nothing at first; whatever was taken is given back on leaving."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            self._free += hold.taken

    def take(self, count: int) -> None:
        """Set bytes aside.

        Raises:
            Busy: there are not as many.
        """
        if count > self._free:
            raise Busy("too many large pictures are being sent at the moment; send this one again later", 1.0)
        self._free -= count


class Hold:
    """What one request takes of the room; taken: bytes."""

    def __init__(self, room: Room) -> None:
        self._room, self.taken = room, 0

    def more(self, count: int) -> None:
        """Take so many bytes more.

        Raises:
            Busy: the room is full.
        """
        self._room.take(count)
        self.taken += count


async def pictures_of(request: Request, limits: Limits, hold: Hold, *, keep: bool) -> list[Sent]:
    """Read the body.

    Args:
        request: whose body was not touched yet.
        limits: for one picture, and how many.
        hold: is told of each byte that is kept.
        keep: whether the pictures' pixels are needed after they were looked at.

    Raises:
        Problem: 400 no picture, or a multipart body that is none; 413 too many bytes or pictures; 415 another type; 422
            a part of another name.
        Busy: no memory for it now.
        ClientDisconnect: the client is gone.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        found = await _from_parts(request, limits, hold)
    elif kind.startswith("image/") or kind in ("", "application/octet-stream"):
        found = [("", await _raw(request, limits, hold))]
    else:
        raise Problem(415, f"the content type {kind[:100]} is not one of pictures; {RAW}")
    if not found or not any(data for _, data in found):
        raise Problem(400, f"there is no picture; {RAW}, each in a part named picture")
    return [Sent(data, _plain(name), i, keep) for i, (name, data) in enumerate(found)]


async def _raw(request: Request, limits: Limits, hold: Hold) -> bytes:
    _check_announced(request, limits.max_bytes)
    content = bytearray()  # a list of pieces could take many times their bytes, if they are small
    async for chunk in request.stream():
        if len(content) + len(chunk) > limits.max_bytes:
            raise too_large(limits.max_bytes)
        hold.more(len(chunk))
        content += chunk
    return bytes(content)


async def _from_parts(request: Request, limits: Limits, hold: Hold) -> list[tuple[str, bytes]]:
    most = limits.max_bytes * limits.max_pictures + ENVELOPE_BYTES
    _check_announced(request, most)
    parser = PartsParser(request.headers["content-type"], limits)
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > most:
            raise too_large(most)
        hold.more(len(chunk))
        parser.feed(chunk)
    return parser.finish()


def too_large(most: int) -> Problem:
    """413, of bytes."""
    return Problem(413, f"this is too large: at most {most:,} bytes are taken; send fewer, or smaller pictures")


def _check_announced(request: Request, most: int) -> None:
    """Refuse by the header, before anything is read."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large(most)


async def gone(request: Request) -> None:
    """Return once the client has hung up; to be awaited after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _plain(name: str) -> str:
    """The file's name without folders, as some clients send them."""
    return PureWindowsPath(name).name[:LONGEST_NAME]


__all__ = ["ClientDisconnect", "Hold", "Room", "gone", "pictures_of", "too_large"]
