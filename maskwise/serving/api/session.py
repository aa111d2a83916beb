"""Signing in to the page, and out."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from maskwise.serving.guard.callers import Caller, Unknown, Viewer
from maskwise.serving.guard.identity import COOKIE, Identity
from maskwise.serving.guard.roles import Role
from maskwise.serving.service import Parts
from maskwise.serving.store import tokens

COOKIE_S = 400 * 24 * 3600
"""As long as browsers keep one: when a session ends is decided here, and that of a wall screen never does."""

router = APIRouter(prefix="/v1/session", tags=["session"])


class SessionJson(BaseModel):
    """Who asks. open: nobody is asked for a token yet, as there is none."""

    signed_in: bool
    name: str | None = None
    role: Role | None = None
    csrf_token: str | None = None
    open: bool = False


class SignIn(BaseModel):
    """A token, as `maskwise token create` printed it."""

    token: str = Field(min_length=1, max_length=500)


@router.get("")
async def who(request: Request) -> SessionJson:
    """Who asks; what a page sends along with every change."""
    found: Identity | None = request.state.identity
    if found is None:
        return SessionJson(signed_in=False)
    return _json(found.caller, found.csrf, is_open=found.is_open)


@router.post("")
def sign_in(given: SignIn, request: Request, response: Response, parts: Parts) -> SessionJson:
    """Sign a browser in: its cookie says from now on who asks."""
    now_s = time.time()
    with parts.database.read() as session:
        token = tokens.find(session, given.token.strip(), now_s)
    if token is None:
        parts.refusals.note("sign-in refused")
        raise Unknown("this token is not known, or it has expired")
    with parts.database.begin() as session:
        secret, browser = tokens.sign_in(session, token, now_s)
    parts.audit.add("signed in", {"by": browser.token.name})
    response.set_cookie(
        COOKIE,
        secret,
        max_age=COOKIE_S,
        httponly=True,
        samesite="strict",
        secure=request.state.client.is_secure,
    )
    return _json(Caller(browser.token.name, browser.token.role), browser.csrf)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, parts: Parts, caller: Viewer) -> None:
    """Sign this browser out."""
    secret = request.cookies.get(COOKIE)
    if secret is not None:
        with parts.database.begin() as session:
            tokens.sign_out(session, secret)
        parts.identities.forget()
        parts.audit.add("signed out", {"by": caller.name})
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.state.client.is_secure)


def _json(caller: Caller, csrf: str | None, *, is_open: bool = False) -> SessionJson:
    return SessionJson(signed_in=True, name=caller.name, role=caller.role, csrf_token=csrf, open=is_open)
