"""What may be done with an address: the framework names the methods of the first route that is there, we name all."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from maskwise.serving.problems import Problem, answer

OF_FILES = {"GET", "HEAD"}


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """A request with a method that is not there is told which are."""

    @app.exception_handler(HTTPStatus.METHOD_NOT_ALLOWED)
    def of_method(request: Request, _: Exception) -> JSONResponse:
        allowed = ", ".join(sorted(_allowed(routes, request.scope["path"])))
        return answer(Problem(405, f"this address knows {allowed}", headers={"Allow": allowed}))


def _allowed(routes: Sequence[BaseRoute], path: str) -> set[str]:
    here = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    return {method for route in here for method in route.methods or ()} or OF_FILES
