"""Who asks, and whether they may: `Viewer`, `Operator` and `Admin` are what a route asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from fastapi import Depends, Request

from maskwise.serving.problems import Problem

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: look; check pictures, see faces unblurred; change the set-up."""


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


def _needs(role: Role) -> Callable[[Request], Awaitable[Caller]]:
    async def caller(request: Request) -> Caller:  # a plain def would cost each request a thread
        caller: Caller = getattr(request.state, "caller", Caller("local", "admin"))
        if not caller.may(role):
            raise Problem(403, f"this needs the role {role}; {caller.name} is {caller.role}")
        return caller

    return caller


Viewer = Annotated[Caller, Depends(_needs("viewer"))]
Operator = Annotated[Caller, Depends(_needs("operator"))]
Admin = Annotated[Caller, Depends(_needs("admin"))]
