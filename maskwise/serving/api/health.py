"""Whether the service lives, whether it can work, and its figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from anyio import CapacityLimiter, fail_after, to_thread
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import select

from maskwise.errors import StorageError
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.operating.metrics import WAITING
from maskwise.serving.problems import MEDIA_TYPE, SCHEMA, Problem
from maskwise.serving.service import Parts, Service
from maskwise.serving.store.database import Database

router = APIRouter(tags=["health"])

PATIENCE_S = 2.0
"""How long a database may take to say that it is there."""

_ONE = CapacityLimiter(1)
"""A database that hangs must not hold up a thread for each question about it."""


class StatusJson(BaseModel):
    """One word."""

    status: str


@router.get("/healthz")
@router.head("/healthz", include_in_schema=False)
async def alive() -> StatusJson:
    """The process answers."""
    return StatusJson(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"description": "It cannot.", "content": {MEDIA_TYPE: {"schema": SCHEMA}}}})
async def ready(parts: Parts) -> StatusJson:
    """The service can work: the database answers and is written, there is room for pictures that wait."""
    wrong = [*_waits(parts)]
    if not await _answers(parts.database):
        wrong.append("the database does not answer")
    if wrong:
        raise Problem(503, "; ".join(wrong), headers={"Retry-After": "5"})
    return StatusJson(status="ready")


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(parts: Parts, _: Viewer) -> Response:
    """Figures of the service, as Prometheus reads them; on this machine nobody is asked for a token."""
    return Response(generate_latest(parts.metrics.register), media_type=CONTENT_TYPE_LATEST)


def _waits(parts: Service) -> Iterator[str]:
    waiting = parts.metrics.register.get_sample_value(WAITING) or 0
    if waiting >= parts.settings.limits.waiting:
        yield f"{waiting:.0f} pictures wait, no more are taken"
    if parts.cameras.recorder.away:
        yield "events cannot be recorded, they wait; the service's log says why"


async def _answers(database: Database) -> bool:
    try:
        with fail_after(PATIENCE_S):
            await to_thread.run_sync(_ask, database, abandon_on_cancel=True, limiter=_ONE)
    except (TimeoutError, StorageError):
        return False
    return True


def _ask(database: Database) -> None:
    with database.read() as session:
        session.execute(select(1))
