"""The parts of a running service, opened and closed together; routes find them at `Parts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from maskwise.errors import StorageError
from maskwise.serving.cameras.cameras import Cameras
from maskwise.serving.checking.checks import Checks
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.operating.upkeep import Upkeep
from maskwise.serving.settings import Settings
from maskwise.serving.store.database import Database
from maskwise.stream.outputs.audit_log import AuditLog


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that requests need."""

    settings: Settings
    database: Database
    audit: AuditLog
    metrics: Metrics
    checks: Checks
    cameras: Cameras
    upkeep: Upkeep


@contextmanager
def opened(settings: Settings) -> Iterator[Service]:
    """Open every part; however it ends, each is closed, the last first.

    Raises:
        StorageError: folder or database cannot be used.
        ArtifactError: no sound model.
    """
    with ExitStack() as stack:
        _make(settings.folder)
        database = Database(settings.database_url)
        stack.callback(database.close)
        audit = AuditLog(settings.audit_log)
        metrics = Metrics()
        checks = stack.enter_context(Checks(settings, metrics))
        cameras = stack.enter_context(Cameras(settings, database, checks.card, metrics))
        upkeep = stack.enter_context(Upkeep(database, audit))
        yield Service(settings, database, audit, metrics, checks, cameras, upkeep)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror or error}") from error


def _parts(connection: HTTPConnection) -> Service:
    return cast(Service, connection.app.state.service)


Parts = Annotated[Service, Depends(_parts)]
"""What a route declares to get at them."""
