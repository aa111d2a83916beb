"""The service behind HTTP: the routes, and what stands before each of them."""

from __future__ import annotations

from fastapi import FastAPI

from maskwise import __version__
from maskwise.serving import problems
from maskwise.serving.api import (
    alarms,
    audit,
    check,
    events,
    health,
    inside,
    live,
    models,
    page,
    session,
    statistics,
    streams,
    tokens,
)
from maskwise.serving.api import settings as settings_
from maskwise.serving.service import Service

RESOURCES = (
    check,
    streams,
    live,
    events,
    statistics,
    models,
    alarms,
    settings_,
    session,
    tokens,
    audit,
    health,
    inside,
)


def create_app(service: Service) -> FastAPI:
    """The application over parts that are open."""
    app = FastAPI(
        title="maskwise",
        version=__version__,
        summary="Find every face, say how its mask is worn, and say how far the answer can be trusted.",
        docs_url=None,  # the usual page would be fetched from a host of others
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.service = service
    problems.install(app)
    for resource in RESOURCES:
        app.include_router(resource.router)
    app.mount("/", page.files)
    return app
