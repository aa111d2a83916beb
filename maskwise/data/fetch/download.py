"""Download one file, over any number of broken connections.

What has come is kept: the next attempt, also of a later run, asks for the rest (Range), and only if the file is still
the same (If-Range). A server that cannot do that, or has another file by now, sends it all anew.
"""

from __future__ import annotations

import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx2

from maskwise.data.fetch.answers import PassingError, asked, check_status, content_length, content_range, host
from maskwise.data.fetch.partial import Origin, Partial, opened
from maskwise.errors import DataError, StorageError

_RESERVE_BYTES = 100_000_000  # a disk filled to the brim hurts others
_HEADERS = {"User-Agent": "maskwise", "Accept-Encoding": "identity"}  # ranges and hashes are of the file as it is

Progress = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying.

    failures: attempts in a row that bring nothing.
    first_wait_s, longest_wait_s: the wait doubles from one failure to the next; a server that asks for a longer one
        than the longest is given up.
    connect_s, silence_s: until a connection stands, and between two pieces of data.
    enough_bytes: an attempt that brought so much was no failure.
    sleep: waits.
    """

    failures: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    connect_s: float = 15.0
    silence_s: float = 60.0
    enough_bytes: int = 1 << 20
    sleep: Callable[[float], None] = time.sleep


def download(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    patience: Patience | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> None:
    """Bring a file from the web; `path` appears whole or not at all.

    Args:
        url: http or https.
        path: where to; beside it lies NAME.partial meanwhile.
        max_bytes: a larger file is refused.
        patience: how long to go on trying.
        progress: called with (bytes there, bytes in all, or 0 where that is not known).
        say: hears why and how long it waits.

    Raises:
        DataError: the server does not give it, or gave up; a file too large; a page instead of a file.
        StorageError: no space, or it cannot be written.
    """
    patience = patience or Patience()
    timeout = httpx2.Timeout(patience.silence_s, connect=patience.connect_s)
    with opened(path) as partial, httpx2.Client(timeout=timeout, headers=_HEADERS, verify=_trusted()) as client:
        failures, done = 0, False
        while not done:
            before = partial.size
            try:
                done = _attempt(client, url, path, partial, max_bytes, progress or (lambda _done, _total: None))
            except PassingError as failure:
                failures = 1 if partial.size - before >= patience.enough_bytes else failures + 1
                if failures > patience.failures:
                    raise DataError(
                        f"gave up after {failures} attempts in a row, the last: {failure}; {partial.size:,} bytes of "
                        f"{path.name} are kept, run the command again to go on"
                    ) from failure
                _wait(failure, failures, patience, say or (lambda _message: None))
        partial.finish(path)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates of the system; reading them takes a twentieth of a second, so once for all files."""
    return httpx2.create_ssl_context()


def _attempt(client: httpx2.Client, url: str, path: Path, partial: Partial, max_bytes: int, progress: Progress) -> bool:
    """Ask for what is missing and take it; whether the file is complete then."""
    origin = partial.origin(url)
    with asked(client, url, _range(origin, partial.size)) as response:
        check_status(response, url)
        if response.status_code == 416:
            return _is_complete(response, partial)
        _check_is_file(response, url, path)
        total = _start(response, url, partial)
        _check_size(partial, total, max_bytes, path)
        for data in response.iter_raw():
            partial.append(data)
            _check_size(partial, total, max_bytes, path, space=False)
            progress(partial.size, total or 0)
    if total is not None and partial.size < total:
        raise PassingError(f"{host(url)} sent {partial.size:,} of {total:,} bytes")
    return True


def _range(origin: Origin | None, have: int) -> Mapping[str, str]:
    if origin is None or not origin.validator:  # no way to find out whether the rest is the rest of the same file
        return {}
    return {"Range": f"bytes={have}-", "If-Range": origin.validator}


def _is_complete(response: httpx2.Response, partial: Partial) -> bool:
    """The server says that nothing comes after what is there: all came, or too much did."""
    _, total = content_range(response)
    if total == partial.size:
        return True
    partial.discard()
    raise PassingError("what was there was longer than the file; starting over")


def _start(response: httpx2.Response, url: str, partial: Partial) -> int | None:
    """Go on, or begin anew; the size of the whole where it is told."""
    length = content_length(response)
    if response.status_code == 206:
        first, total = content_range(response)
        if first != partial.size:
            partial.discard()
            raise PassingError(f"{host(url)} sent another part than was asked for; starting over")
        return total if total is not None or length is None else first + length
    headers = response.headers
    partial.begin(Origin(url, headers.get("ETag", ""), headers.get("Last-Modified", "")))
    return length


def _check_is_file(response: httpx2.Response, url: str, path: Path) -> None:
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html") and path.suffix.lower() not in (".html", ".htm"):
        raise DataError(
            f"{host(url)} sent a page instead of {path.name}, perhaps one that wants a login; download the file by "
            "hand and name it with --from"
        )


def _check_size(partial: Partial, total: int | None, max_bytes: int, path: Path, *, space: bool = True) -> None:
    have = partial.size
    most = max(have, total or 0)
    if most > max_bytes:
        partial.discard()
        raise DataError(f"{path.name} has at least {most:,} bytes, allowed are {max_bytes:,}; see --max-bytes")
    if space and total is not None:
        free = shutil.disk_usage(path.parent).free
        if total - have + _RESERVE_BYTES > free:
            raise StorageError(
                f"{path.name} needs {total - have:,} more bytes and {path.parent} has {free:,} free; name another "
                "folder with -o"
            )


def _wait(failure: PassingError, failures: int, patience: Patience, say: Say) -> None:
    wait_s = min(patience.first_wait_s * 2 ** (failures - 1), patience.longest_wait_s)
    if failure.wait_s is not None:
        wait_s = max(wait_s, failure.wait_s)
    if wait_s > patience.longest_wait_s:
        raise DataError(f"{failure} and asks to wait {wait_s:,.0f} s; run the command again after that") from failure
    say(f"{failure}; trying again in {wait_s:.0f} s")
    patience.sleep(wait_s)
