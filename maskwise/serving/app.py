"""The service behind HTTP: the routes, and what stands before each of them."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from maskwise import __version__
from maskwise.serving import methods, openapi, problems
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
from maskwise.serving.guard.guard import Guard
from maskwise.serving.guard.headers import SecurityHeaders
from maskwise.serving.operating.endless import Endless
from maskwise.serving.operating.requests import Requests
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

SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework tells nobody else what happens here, whatever its own variables in the environment say."""


class App(FastAPI):
    """The application; what leaves it is seen and given its headers even where an error was expected by nobody.

    endless: answers that last until the service ends; None before the first.
    """

    endless: Endless | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Layers outside of what the framework puts outermost itself."""
        service: Service = self.state.service
        self.endless = Endless(super().build_middleware_stack())
        inside = SecurityHeaders(self.endless, service.settings.believed)
        return Requests(inside, service.metrics, _templates(), addresses=service.settings.log_addresses)


def create_app(service: Service) -> App:
    """The application over parts that are open."""
    app = App(
        title="maskwise",
        version=__version__,
        summary="Find every face, say how its mask is worn, and say how far the answer can be trusted.",
        docs_url=None,  # the usual page would be fetched from a host of others
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        telemetry=SILENT,
    )
    app.state.service = service
    problems.install(app)
    methods.install(app, routes())
    for resource in RESOURCES:
        app.include_router(resource.router)
    app.router.default = page.files  # not mounted: it would answer for routes whose method is another one
    app.add_middleware(Guard, service=service)
    openapi.install(app, routes())
    return app


def routes() -> list[BaseRoute]:
    """Every route of every resource."""
    return [route for resource in RESOURCES for route in resource.router.routes]


def _templates() -> dict[object, str]:
    """The path that each route answers, by what answers it."""
    return {getattr(route, "endpoint", None): getattr(route, "path", "") for route in routes()}
