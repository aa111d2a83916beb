"""The routes of some resources over a real database, without cameras or a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.testclient import TestClient

from maskwise.serving import problems
from maskwise.serving.guard.callers import Caller
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.settings import Settings
from maskwise.serving.store.database import Database
from maskwise.stream.outputs.audit_log import AuditLog


async def _by_an_admin(request: Request) -> None:
    """What the guard would have found."""
    request.state.caller = Caller("local", "admin")


@contextmanager
def client_of(router: APIRouter, folder: Path, url: str) -> Iterator[tuple[TestClient, Database]]:
    """Asks the routes; the database is brought up to date."""
    database = Database(url)
    settings = Settings(folder, url)
    app = FastAPI(dependencies=[Depends(_by_an_admin)])
    app.state.service = SimpleNamespace(
        settings=settings, database=database, audit=AuditLog(settings.audit_log), metrics=Metrics()
    )
    problems.install(app)
    app.include_router(router)
    try:
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client, database
    finally:
        database.close()
