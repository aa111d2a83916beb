"""Tokens: who may ask, and for what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError

from maskwise.serving.guard.callers import Admin
from maskwise.serving.guard.hashing import new_token
from maskwise.serving.guard.roles import Role
from maskwise.serving.problems import NotThere, Problem
from maskwise.serving.service import Parts
from maskwise.serving.store import tokens
from maskwise.serving.store.moments import iso
from maskwise.serving.store.tokens import NAMED, RESERVED, Token

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])

DAY_S = 86_400.0
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class TokenJson(BaseModel):
    """What is known of a token; its secret is not."""

    id: int
    name: str
    role: Role
    created: str
    used: str | None
    expires: str | None


class TokensJson(BaseModel):
    """Every token, the oldest first."""

    tokens: list[TokenJson]


class NewToken(BaseModel):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=100, pattern=NAMED)
    role: Role
    expires_days: int | None = Field(default=None, ge=1, le=3650)


class MadeToken(BaseModel):
    """A token that was made; its secret is shown this once."""

    id: int
    name: str
    role: Role
    token: str


@router.get("")
def listed(parts: Parts, _: Admin) -> TokensJson:
    """Every token."""
    with parts.database.read() as session:
        return TokensJson(tokens=[_json(token) for token in tokens.listed(session)])


@router.post("", status_code=201)
def create(given: NewToken, parts: Parts, caller: Admin) -> MadeToken:
    """Make a token. The first one has to be an admin's: from then on nobody gets in without one."""
    now_s, secret = time.time(), new_token()
    expires_s = None if given.expires_days is None else now_s + given.expires_days * DAY_S
    with _one_of_a_name(), parts.database.begin() as session:
        if given.name in RESERVED or tokens.named(session, given.name):
            raise Taken
        if given.role != "admin" and not tokens.has_admin(session, now_s):
            raise Problem(
                409, "there is no token of an admin yet, and nobody could change anything; make that one first"
            )
        token = tokens.add(session, given.name, given.role, secret, now_s, expires_s)
    parts.identities.forget()
    parts.audit.add("token created", {"by": caller.name, "name": token.name, "role": token.role})
    return MadeToken(id=token.id, name=token.name, role=token.role, token=secret)


@router.delete("/{number}", status_code=204)
def revoke(number: Number, parts: Parts, caller: Admin) -> None:
    """End a token, and sign out who came with it."""
    with parts.database.begin() as session:
        if not tokens.has_admin(session, time.time(), besides=number):
            raise Problem(409, "no token of an admin would be left; make another one first")
        token = tokens.revoke(session, number)
    if token is None:
        raise NotThere(f"token {number}")
    parts.identities.forget()
    parts.audit.add("token revoked", {"by": caller.name, "name": token.name, "role": token.role})


class Taken(Problem):
    """409: a name of another token, or of nobody's."""

    def __init__(self) -> None:
        super().__init__(409, "this name is taken; choose another one")


@contextmanager
def _one_of_a_name() -> Iterator[None]:
    """Two who choose the same name at the same moment do not both get it."""
    try:
        yield
    except IntegrityError:
        raise Taken from None


def _json(token: Token) -> TokenJson:
    used, expires = (None if at_s is None else iso(at_s) for at_s in (token.used_s, token.expires_s))
    return TokenJson(
        id=token.id, name=token.name, role=token.role, created=iso(token.created_s), used=used, expires=expires
    )
