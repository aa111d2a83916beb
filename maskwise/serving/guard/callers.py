"""Who asks, and whether they may: `Viewer`, `Operator` and `Admin` are what a route asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection

from maskwise.serving.guard.roles import ROLES, Role
from maskwise.serving.problems import Problem

AGAINST_RULES = 1008
"""Code with which a WebSocket is closed that may not be."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    name: of the token, for the audit log; `local` where this machine needs none.
    role: what they may do.
    """

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Unknown(Problem):
    """401: nobody is asking."""

    def __init__(self, detail: str = "this needs a token: send it as Authorization: Bearer, or sign in") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "Bearer"})


def caller_of(connection: HTTPConnection) -> Caller | None:
    """Whom the guard found, if anybody."""
    found: Caller | None = getattr(connection.state, "caller", None)
    return found


def _needs(role: Role) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    async def caller(connection: HTTPConnection) -> Caller:  # a plain def would cost each request a thread
        found = caller_of(connection)
        if found is not None and found.may(role):
            return found
        if connection.scope["type"] == "websocket":
            raise WebSocketException(AGAINST_RULES, f"this needs the role {role}")
        if found is None:
            raise Unknown
        raise Problem(403, f"this needs the role {role}; {found.name} is {found.role}")

    return caller


_VIEWER, _OPERATOR, _ADMIN = (_needs(role) for role in ROLES)

Viewer = Annotated[Caller, Depends(_VIEWER)]
Operator = Annotated[Caller, Depends(_OPERATOR)]
Admin = Annotated[Caller, Depends(_ADMIN)]


def role_needed(route: APIRoute | APIWebSocketRoute) -> Role | None:
    """The role that a route asks for; None: it asks for nobody."""
    asked = [dependency.call for dependency in route.dependant.dependencies]
    found = [role for role, needs in zip(ROLES, (_VIEWER, _OPERATOR, _ADMIN), strict=True) if needs in asked]
    return found[-1] if found else None
