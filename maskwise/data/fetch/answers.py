"""What a server's answer means: go on, try again later, or give up at once."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx2

from maskwise.errors import DataError

_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429)  # and all of 5xx
_GIVE_UP = {
    401: "wants a login",
    403: "does not give it to everybody",
    404: "does not have it",
    410: "does not have it any more",
    451: "must not give it for legal reasons",
}


class PassingError(Exception):
    """A failure that may pass by itself: worth another try.

    wait_s: how long the server asks to wait; None where it does not.
    """

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@contextmanager
def asked(client: httpx2.Client, url: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
    """The answer to a GET, whose body is not read yet; redirects are followed.

    Raises:
        PassingError: the connection failed or broke, also while the body is read.
        DataError: a redirect that must not be followed, or a certificate that does not hold.
    """
    try:
        for _ in range(_MOST_REDIRECTS + 1):
            response = client.send(client.build_request("GET", url, headers=headers), stream=True)
            try:
                if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                    yield response
                    return
                url = _redirected(url, response.headers["Location"])
            finally:
                response.close()
    except httpx2.InvalidURL as error:
        raise DataError(f"{url!r} is no address ({error}); correct the catalog") from error
    except httpx2.TransportError as error:
        if _is_certificate(error):
            raise DataError(f"{host(url)} cannot prove who it is ({error}); check the clock and the network") from error
        raise PassingError(f"{host(url)}: {str(error) or type(error).__name__}") from error
    raise DataError(f"{host(url)} redirects more than {_MOST_REDIRECTS} times; download the file by hand")


def check_status(response: httpx2.Response, url: str) -> None:
    """Let 200, 206 and 416 pass.

    Raises:
        PassingError: any other that may pass by itself.
        DataError: the rest.
    """
    status = response.status_code
    if status in (200, 206, 416):
        return
    if status in _LATER or status >= 500:
        raise PassingError(f"{host(url)} answers {status} {response.reason_phrase}", _retry_after(response))
    why = _GIVE_UP.get(status, "does not send it")
    raise DataError(
        f"{host(url)} {why} ({status} for {url}); look at the home page of the set, or name a file you have with --from"
    )


def content_range(response: httpx2.Response) -> tuple[int | None, int | None]:
    """First byte and size of the whole, of a 206 or 416; None where they are not told."""
    header = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", header.strip())
    if not match:
        return None, None
    first, total = match.groups()
    return (int(first) if first else None), (int(total) if total else None)


def content_length(response: httpx2.Response) -> int | None:
    """Bytes of the body, where that is told."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def host(url: str) -> str:
    """Who is asked."""
    return urlsplit(url).netloc


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    if new.scheme not in ("http", "https") or not new.hostname:
        raise DataError(f"{host(url)} redirects to {target!r}, which is no web address; download the file by hand")
    if old.scheme == "https" and new.scheme == "http":
        raise DataError(f"{host(url)} redirects from https to {target!r}, which anybody could change on the way")
    return target


def _retry_after(response: httpx2.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
