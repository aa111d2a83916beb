"""A service in a folder of its own, and clients of it as they come in from this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from maskwise.serving.app import create_app
from maskwise.serving.guard.hashing import new_token
from maskwise.serving.guard.roles import ROLES, Role
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Settings
from maskwise.serving.store import tokens

HERE = "http://127.0.0.1:8000"


@contextmanager
def service(folder: Path, **settings: Any) -> Iterator[Service]:
    """The parts, with one core."""
    with opened(Settings(folder, cores=1, **settings)) as parts:
        yield parts


def client(parts: Service, *, token: str | None = None, peer: str = "127.0.0.1", base: str = HERE) -> TestClient:
    """A program that speaks to the service."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return TestClient(create_app(parts), base_url=base, client=(peer, 50_000), headers=headers)


def token(parts: Service, role: Role, name: str | None = None, expires_s: float | None = None) -> str:
    """A new token, by default named as its role."""
    secret = new_token()
    with parts.database.begin() as session:
        tokens.add(session, name or role, role, secret, time.time(), expires_s)
    parts.identities.forget()
    return secret


def one_of_each(parts: Service) -> dict[Role, str]:
    """A token of every role."""
    return {role: token(parts, role) for role in ROLES}
