"""From what a request shows to who asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from maskwise.errors import StorageError
from maskwise.serving.guard.callers import Caller, Unknown
from maskwise.serving.guard.hashing import digest_of, same
from maskwise.serving.problems import Problem
from maskwise.serving.store import tokens
from maskwise.serving.store.database import Database
from maskwise.serving.store.tokens import SESSION_S, WRITTEN_EVERY_S, Token

COOKIE, CSRF = "maskwise_session", "x-csrf-token"

LOCAL = Caller("local", "admin")
"""Everybody on this machine, while there is no token."""

BELIEVED_S = 1.0
"""For so long what was looked up is taken to be true still: a token that is revoked beside the service ends then."""

MOST_BELIEVED = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of who asks.

    token: of the header `Authorization`.
    cookie, csrf: of a browser that is signed in.
    """

    token: str | None
    cookie: str | None
    csrf: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks.

    csrf: what the page has to send along with every change; None without a page.
    is_open: nobody is asked for a token yet.
    """

    caller: Caller
    csrf: str | None = None
    is_open: bool = False


def shown(connection: HTTPConnection) -> Shown:
    """What a request shows; an `Authorization` of another kind is for a proxy before the service."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    token = secret.strip() if scheme.lower() == "bearer" else None
    return Shown(token, connection.cookies.get(COOKIE), connection.headers.get(CSRF))


class Identities:
    """Knows who asks.

    What was looked up is believed for a moment, so that a page which asks often costs little; what this process changes
    itself holds at once, see `forget`. That somebody is unknown is never believed: a new token is good at once.
    """

    def __init__(self, database: Database, *, open_here: bool, now: Callable[[], float] = time.time) -> None:
        """Over the tokens of a database.

        Args:
            database: where they are.
            open_here: this machine needs none while there is none.
            now: seconds since 1970.
        """
        self._database, self._open_here, self._now = database, open_here, now
        self._believed: dict[str, tuple[float, Identity]] = {}
        self._forgotten = 0  # how often

    def find(self, shown: Shown, *, is_local: bool) -> Identity | None:
        """Who asks, from the database; None: nobody that is known. Blocks while it answers.

        Args:
            shown: of the request.
            is_local: it came from this machine.

        Raises:
            Unknown: a token that is not good.
            StorageError: the database does not answer.
        """
        now_s, forgotten = self._now(), self._forgotten
        found = self._look_up(shown, is_local, now_s)
        if found is not None and forgotten == self._forgotten:  # else it may have been true before the change only
            if len(self._believed) >= MOST_BELIEVED:
                self._believed.clear()
            self._believed[_key(shown, is_local)] = (now_s, found)
        return found

    def believed(self, shown: Shown, *, is_local: bool) -> Identity | None:
        """Who asks, if it was looked up a moment ago; never blocks."""
        at_s, found = self._believed.get(_key(shown, is_local), (0.0, None))
        return found if 0 <= self._now() - at_s < BELIEVED_S else None

    def forget(self) -> None:
        """Tokens or sessions were changed: everybody is looked up again."""
        self._forgotten += 1
        self._believed.clear()

    def _look_up(self, shown: Shown, is_local: bool, now_s: float) -> Identity | None:
        if shown.token is not None:
            return self._by_token(shown.token, now_s)
        if shown.cookie is not None and (found := self._by_cookie(shown.cookie, now_s)):
            return found
        if self._open_here and is_local and not self._needs_token():
            return Identity(LOCAL, is_open=True)
        return None

    def _by_token(self, secret: str, now_s: float) -> Identity:
        with self._database.read() as session:
            token = tokens.find(session, secret, now_s)
        if token is None:
            raise Unknown("this token is not known, or it has expired")
        if token.used_s is None or now_s - token.used_s >= WRITTEN_EVERY_S:
            self._note_use(token, now_s)
        return Identity(Caller(token.name, token.role))

    def _by_cookie(self, secret: str, now_s: float) -> Identity | None:
        with self._database.read() as session:
            found = tokens.signed_in(session, secret, now_s)
        if found is None:
            return None
        if now_s + SESSION_S - found.expires_s >= WRITTEN_EVERY_S:
            self._note_use(found.token, now_s, secret)
        return Identity(Caller(found.token.name, found.token.role), found.csrf)

    def _needs_token(self) -> bool:
        with self._database.read() as session:
            return tokens.are_any(session)

    def _note_use(self, token: Token, now_s: float, cookie: str | None = None) -> None:
        try:
            with self._database.begin() as session:  # of its own: a busy database must not keep anybody out
                tokens.note_use(session, token, now_s, cookie)
        except StorageError:
            log.warning("the last use of a token could not be written; the database is busy")


def check_proof(shown: Shown, found: Identity) -> None:
    """A change that a browser asks for comes from our page.

    Raises:
        Problem: 403, it does not bring what only our page was told.
    """
    if found.csrf is not None and not same(shown.csrf or "", found.csrf):
        raise Problem(403, "a change needs the header X-CSRF-Token, as GET /v1/session gives it")


def _key(shown: Shown, is_local: bool) -> str:
    """By what one is known again; secrets themselves are not kept."""
    kind, secret = ("token", shown.token) if shown.token is not None else ("cookie", shown.cookie)
    return f"{kind} {digest_of(secret or '')} {is_local}"
