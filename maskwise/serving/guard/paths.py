"""What may be had without saying who asks: life signs, signing in, and the page that asks for a token."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from maskwise.serving.settings import Limits

SIGN_IN = "/v1/session"
LIFE_SIGNS = ("/healthz", "/readyz")
METRICS = "/metrics"
PICTURES = "/v1/check"
"""Takes bodies of many bytes and bounds them itself, by what they hold."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


@dataclass(frozen=True, slots=True)
class Public:
    """What anybody may have.

    page: first parts of the paths of the page's files; whatever is not listed here needs a caller.
    """

    page: frozenset[str]

    def __call__(self, method: str, path: str) -> bool:
        """Whether it needs no caller."""
        if path == SIGN_IN:
            return method in ("GET", "POST")
        first = path.removeprefix("/").partition("/")[0]
        return method in SAFE and (path == "/" or path in LIFE_SIGNS or first in self.page)


def public() -> Public:
    """What anybody may have of this service."""
    page = files("maskwise.serving") / "page"
    return Public(frozenset({"runtime", *(part.name for part in page.iterdir())}))


def largest_body(path: str, limits: Limits, others: int) -> int:
    """Bytes that a request may bring.

    Args:
        path: asked for.
        limits: of pictures.
        others: bytes of any other request.
    """
    pictures = limits.max_bytes * limits.max_pictures
    return pictures + others if path == PICTURES else others
