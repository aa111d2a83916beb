"""Errors as `application/problem+json` (RFC 9457): what came, what is allowed, what to do; never a path or a secret."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from maskwise.errors import StorageError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A request that cannot be served, and why."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        """What the caller is told.

        Args:
            status: of HTTP.
            detail: what came, what is allowed, what to do.
            headers: to send along, as `Retry-After`.
            more: further members of the answer, as JSON has them.
        """
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers, more


class ProblemJson(BaseModel):
    """What every error looks like."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class NotThere(Problem):
    """404, of something that is asked for by its number or name."""

    def __init__(self, what: str) -> None:
        super().__init__(404, f"there is no {what}")


class Absent(Problem):
    """503: database or disk do not answer."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "nothing can be stored or looked up now; the service's log says why",
            headers={"Retry-After": "5"},
        )


class Busy(Problem):
    """429: too much is asked for at the moment."""

    def __init__(self, detail: str, retry_after_s: float) -> None:
        super().__init__(429, detail, headers={"Retry-After": str(max(1, round(retry_after_s)))})


SCHEMA = {"$ref": "#/components/schemas/ProblemJson"}
"""Of a problem, in the description of the service."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What was asked for cannot be done."},
}
"""For the `responses` of routes; `openapi` says which of them a route may have."""


class ProblemResponse(JSONResponse):
    """Written in ASCII: what a caller sent may hold halves of characters, which no other encoding can say again."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content).encode()


def answer(problem: Problem) -> JSONResponse:
    """A problem as a response."""
    title = HTTPStatus(problem.status).phrase
    content = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail}
    return ProblemResponse({**content, **problem.more}, problem.status, problem.headers)


def install(app: FastAPI) -> None:
    """Every error of this application becomes a problem."""

    @app.exception_handler(Problem)
    def of_ours(_: Request, problem: Problem) -> JSONResponse:
        return answer(problem)

    @app.exception_handler(HTTPException)
    def of_starlette(_: Request, error: HTTPException) -> JSONResponse:
        return answer(Problem(error.status_code, error.detail, headers=dict(error.headers or {})))

    @app.exception_handler(RequestValidationError)
    def of_fields(_: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [{"where": [str(part) for part in one["loc"]], "what": one["msg"]} for one in error.errors()]
        said = "; ".join(f"{'.'.join(one['where'])}: {one['what']}" for one in wrong)
        return answer(Problem(422, said, errors=wrong))

    @app.exception_handler(UnicodeEncodeError)
    def of_text(_: Request, __: UnicodeEncodeError) -> JSONResponse:
        return answer(Problem(422, "a text holds half of a character (a lone surrogate); send whole ones"))

    @app.exception_handler(StorageError)
    def of_storage(_: Request, error: StorageError) -> JSONResponse:
        log.error("nothing can be stored or looked up: %s", error)
        return answer(Absent())

    @app.exception_handler(Exception)
    def of_nobody(_: Request, __: Exception) -> JSONResponse:
        return answer(Problem(500, "this should not have happened; the service's log says more"))
