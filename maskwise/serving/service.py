"""The parts of a running service, opened and closed together; routes find them at `Parts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from maskwise.serving.cameras.cameras import Cameras
from maskwise.serving.checking.checks import Checks
from maskwise.serving.guard.identity import Identities
from maskwise.serving.guard.refusals import Refusals
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.operating.record import record
from maskwise.serving.operating.sending import Sending
from maskwise.serving.operating.upkeep import Upkeep
from maskwise.serving.settings import Settings
from maskwise.serving.store.choices import Choices
from maskwise.serving.store.database import Database
from maskwise.serving.store.folder import folder_of
from maskwise.stream.outputs.audit_log import AuditLog


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that requests need."""

    settings: Settings
    database: Database
    audit: AuditLog
    refusals: Refusals
    identities: Identities
    metrics: Metrics
    checks: Checks
    choices: Choices
    cameras: Cameras
    sending: Sending
    upkeep: Upkeep


@contextmanager
def opened(settings: Settings) -> Iterator[Service]:
    """Open every part; however it ends, each is closed, the last first.

    Raises:
        StorageError: folder or database cannot be used.
        ArtifactError: no sound model.
    """
    with ExitStack() as stack:
        folder_of(settings)
        database = Database(settings.database_url)
        stack.callback(database.close)
        audit = record(settings.audit_log)
        metrics = Metrics()
        checks = stack.enter_context(Checks(settings, metrics))
        choices = Choices(database, checks.card)
        # Opened before the cameras and closed after them: what they see last is told, too.
        sending = stack.enter_context(Sending(database, choices, metrics))
        cameras = stack.enter_context(Cameras(settings, database, checks.card, metrics))
        upkeep = stack.enter_context(Upkeep(database, audit))
        refusals, identities = Refusals(audit), Identities(database, open_here=not settings.is_reachable)
        yield Service(
            settings, database, audit, refusals, identities, metrics, checks, choices, cameras, sending, upkeep
        )


async def _parts(connection: HTTPConnection) -> Service:
    return cast(Service, connection.app.state.service)


Parts = Annotated[Service, Depends(_parts)]
"""What a route declares to get at them."""
