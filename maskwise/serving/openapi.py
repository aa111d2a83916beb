"""The description of the service for machines: what every route has in common is said once, here.

That is: how a caller is known, which role a route needs, and which problems it may answer with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from maskwise.serving.guard.callers import role_needed
from maskwise.serving.guard.identity import COOKIE, CSRF
from maskwise.serving.guard.paths import LIFE_SIGNS, SAFE, SIGN_IN
from maskwise.serving.guard.roles import Role
from maskwise.serving.problems import MEDIA_TYPE, SCHEMA, ProblemJson

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token, as `maskwise token create` printed it."},
    "browser": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by POST /v1/session."},
    "page": {
        "type": "apiKey", "in": "header", "name": CSRF, "description": "The csrf_token of /v1/session; for changes.",
    },
}  # fmt: skip

COMMON = (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503)
"""Problems that routes have in common; others are named by the route that has them."""


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Describe an application with these routes."""
    roles = {(route.path, method): role_needed(route) for route in api_routes(routes) for method in route.methods or ()}

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            app.openapi_schema = _completed(made, roles)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def api_routes(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """Those of REST."""
    return (route for route in routes if isinstance(route, APIRoute))


def _completed(made: dict[str, Any], roles: dict[tuple[str, str], Role | None]) -> dict[str, Any]:
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["ProblemJson"] = ProblemJson.model_json_schema()
    components["securitySchemes"] = SCHEMES
    components["responses"] = {f"Problem{status}": _problem(status) for status in COMMON}
    for path, operations in made.get("paths", {}).items():
        for method, operation in operations.items():
            _complete(operation, path, method.upper(), roles.get((path, method.upper())))
    return made


def _complete(operation: dict[str, Any], path: str, method: str, role: Role | None) -> None:
    """Add to one operation what it has in common with the others."""
    is_known = role is not None
    page: dict[str, list[str]] = {} if method in SAFE else {"page": []}
    operation["security"] = [{"token": []}, {"browser": [], **page}] if is_known else []
    if role is not None:
        operation["x-role"] = role
    responses = operation.setdefault("responses", {})
    may_miss = responses.pop("4XX", None) is not None
    for status in _may_answer(operation, path, method, is_known=is_known, may_miss=may_miss):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _may_answer(operation: dict[str, Any], path: str, method: str, *, is_known: bool, may_miss: bool) -> Iterator[int]:
    """The common problems that one operation may have."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    has_body = "requestBody" in operation
    found = {
        400: has_body,
        401: is_known or (path, method) == (SIGN_IN, "POST"),
        403: path not in LIFE_SIGNS,
        404: may_miss or "path" in places,
        408: has_body,
        409: may_miss or (is_known and method not in SAFE),
        413: True,
        415: has_body,
        422: has_body or bool(places),
        429: path not in LIFE_SIGNS,
        503: path not in LIFE_SIGNS,
    }
    return (status for status, may in found.items() if may)


def _problem(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": SCHEMA}},
    }
    if status == 429:
        said["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return said
