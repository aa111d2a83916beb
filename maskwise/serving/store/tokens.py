"""Tokens, and the browsers signed in with them: found by the hash of their secret, gone when they expire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from maskwise.serving.guard.hashing import digest_of, new_secret, same
from maskwise.serving.guard.roles import Role
from maskwise.serving.store.tables import SessionRow, TokenRow

SESSION_S = 12 * 3600.0
"""A browser that asks for nothing for so long is signed out."""

WRITTEN_EVERY_S = 60.0
"""When something was last used is written down this often at most: reading must not cost a write."""

NAMED = r"^[^\x00-\x20\x7f-\xa0]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$"
"""What a token may be called: no control characters, no space around; it stands in logs."""

RESERVED = ("environment", "local", "maskwise", "unknown")
"""Names that mean somebody else in the audit log."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; moments in seconds since 1970."""

    id: int
    name: str
    role: Role
    created_s: float
    used_s: float | None
    expires_s: float | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that is signed in, by which token, and what its page has to send along with every change.

    expires_s: when it is signed out, unless it asks for something before.
    """

    token: Token
    csrf: str
    expires_s: float


def listed(session: Session) -> list[Token]:
    """Every token, the oldest first."""
    return [_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id))]


def are_any(session: Session) -> bool:
    """Whether there is any token, expired or not: from then on nobody gets in without one."""
    return bool(session.scalar(select(exists(select(TokenRow.id)))))


def has_admin(session: Session, now_s: float, besides: int | None = None) -> bool:
    """Whether there is a token of an admin that is good now; `besides`: one that does not count."""
    good = select(TokenRow.id).where(TokenRow.role == "admin", TokenRow.id != (besides or 0), _good(now_s))
    return bool(session.scalar(select(exists(good))))


def named(session: Session, name: str) -> Token | None:
    """The token of this name."""
    row = session.scalar(select(TokenRow).where(TokenRow.name == name))
    return _token(row) if row else None


def with_digest(session: Session, digest: str) -> Token | None:
    """The token with this hash, good or not."""
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest))
    return _token(row) if row else None


def add(session: Session, name: str, role: Role, secret: str, now_s: float, expires_s: float | None = None) -> Token:
    """Keep the hash of a new token; its name must be free."""
    row = TokenRow(name=name, role=role, digest=digest_of(secret), created_s=now_s, used_s=None, expires_s=expires_s)
    session.add(row)
    session.flush()
    return _token(row)


def revoke(session: Session, id: int) -> Token | None:
    """Forget a token, and sign out who came with it; returns what it was."""
    row = session.get(TokenRow, id)
    if row is None:
        return None
    session.execute(delete(SessionRow).where(SessionRow.token_id == id))
    session.delete(row)
    session.flush()  # before whatever takes its name
    return _token(row)


def find(session: Session, secret: str, now_s: float) -> Token | None:
    """The token with this secret, if it is good now."""
    digest = digest_of(secret)
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest, _good(now_s)))
    return _token(row) if row is not None and same(row.digest, digest) else None


def sign_in(session: Session, token: Token, now_s: float) -> tuple[str, SignedIn]:
    """Begin a session of a browser: the secret for its cookie, and what is known of it."""
    session.execute(delete(SessionRow).where(SessionRow.expires_s <= now_s))
    secret, csrf, until_s = new_secret(), new_secret(), now_s + SESSION_S
    session.add(SessionRow(digest=digest_of(secret), token_id=token.id, csrf=csrf, created_s=now_s, expires_s=until_s))
    return secret, SignedIn(token, csrf, until_s)


def signed_in(session: Session, secret: str, now_s: float) -> SignedIn | None:
    """The session with this secret, if it and its token are good now."""
    digest = digest_of(secret)
    asked = select(SessionRow, TokenRow).join(TokenRow, TokenRow.id == SessionRow.token_id)
    found = session.execute(
        asked.where(SessionRow.digest == digest, SessionRow.expires_s > now_s, _good(now_s))
    ).first()
    if found is None or not same(found[0].digest, digest):
        return None
    browser, token = found
    return SignedIn(_token(token), browser.csrf, browser.expires_s)


def note_use(session: Session, token: Token, now_s: float, cookie: str | None = None) -> None:
    """Write down that a token was used; the session with the secret `cookie` lasts from now on."""
    session.execute(update(TokenRow).where(TokenRow.id == token.id).values(used_s=now_s))
    if cookie is not None:
        mine = SessionRow.digest == digest_of(cookie)
        session.execute(update(SessionRow).where(mine).values(expires_s=now_s + SESSION_S))


def sign_out(session: Session, secret: str) -> None:
    """End the session with this secret."""
    session.execute(delete(SessionRow).where(SessionRow.digest == digest_of(secret)))


def _good(now_s: float) -> ColumnElement[bool]:
    return or_(TokenRow.expires_s.is_(None), TokenRow.expires_s > now_s)


def _token(row: TokenRow) -> Token:
    return Token(row.id, row.name, cast(Role, row.role), row.created_s, row.used_s, row.expires_s)
