"""Secrets: made by chance, known here by their hash only."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "mw_"
"""Begins every token, so that programs which look for lost secrets find it."""

RANDOM_BYTES = 32


def new_token() -> str:
    """A token."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def new_secret() -> str:
    """What a cookie or a form carries."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(secret: str) -> str:
    """Its hash, 64 hexadecimal digits. Plain SHA-256: what is random over 256 bits cannot be tried out."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two are equal, in a time that does not tell how far they are."""
    return secrets.compare_digest(*(text.encode(errors="surrogatepass") for text in (one, other)))
