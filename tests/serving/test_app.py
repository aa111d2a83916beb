"""The application as a whole: how it describes itself, and what it does with what nobody expected."""

# No lazy annotations: the framework has to see a model that is made inside a test.

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from maskwise.serving.app import create_app, routes
from maskwise.serving.openapi import api_routes
from maskwise.serving.service import Service
from tests.serving.services import HERE, service

PUBLIC = {("get", "/healthz"), ("get", "/readyz"), ("get", "/v1/session"), ("post", "/v1/session")}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield create_app(parts)


@pytest.fixture(scope="module")
def described(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation) for path, found in described["paths"].items() for method, operation in found.items()
    ]


def resolve(described: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = described
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def test_every_route_is_described(described: dict[str, Any]) -> None:
    shown = {(method.upper(), path) for method, path, _ in operations(described)}
    to_be_shown = [route for route in api_routes(routes()) if route.include_in_schema]
    assert shown == {(method, route.path) for route in to_be_shown for method in route.methods or ()}


def test_every_problem_is_described_as_one(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                content = resolve(described, response)["content"]
                assert list(content) == ["application/problem+json"], (method, path, status)
                schema = resolve(described, content["application/problem+json"]["schema"])
                assert set(schema["required"]) == {"title", "status", "detail"}


def test_every_operation_says_who_may(described: dict[str, Any]) -> None:
    assert set(described["components"]["securitySchemes"]) == {"token", "browser", "page"}
    for method, path, operation in operations(described):
        statuses = set(operation["responses"])
        if (method, path) in PUBLIC or path.startswith("/runtime/"):
            assert operation["security"] == []
            continue
        assert operation["x-role"] in ("viewer", "operator", "admin"), (method, path)
        assert {"401", "403", "413", "429", "503"} <= statuses
        page: dict[str, list[str]] = {} if method == "get" else {"page": []}
        assert operation["security"] == [{"token": []}, {"browser": [], **page}]
        assert ("422" in statuses) is ("requestBody" in operation or bool(operation.get("parameters")))
        assert "4XX" not in statuses


def test_no_reference_leads_nowhere(described: dict[str, Any]) -> None:
    def look(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                assert resolve(described, part)
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(described)
    assert "HTTPValidationError" not in described["components"]["schemas"]


def test_an_error_nobody_expected_is_told_to_the_log_alone(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    here = create_app(app.state.service)

    @here.get("/v1/broken")
    def broken() -> None:
        raise RuntimeError("a secret of ours")

    with caplog.at_level(logging.INFO):
        answer = TestClient(here, base_url=HERE, client=("127.0.0.1", 5)).get(
            "/v1/broken?secret=of-theirs", headers={"X-Request-ID": "number-5"}
        )
    assert answer.status_code == 500
    assert answer.json()["detail"] == "this should not have happened; the service's log says more"
    assert "RuntimeError: a secret of ours" in caplog.text
    assert "request number-5 failed" in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("maskwise")]
    assert ours
    assert not [line for line in ours if "of-theirs" in line]


def test_who_is_not_asked_for_is_not_told(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    service: Service = app.state.service
    with caplog.at_level(logging.INFO):
        TestClient(app, base_url=HERE, client=("127.0.0.1", 5)).get("/v1/session?q=1", headers={"X": "y"})
    (line,) = (record for record in caplog.records if record.name == "maskwise.requests")
    facts: dict[str, Any] = line.__dict__["facts"]
    assert set(facts) == {"method", "route", "status", "ms", "caller", "request_id"}
    assert service.settings.log_addresses is False


def test_metadata(described: dict[str, Any]) -> None:
    assert described["info"]["title"] == "maskwise"
    assert described["openapi"].startswith("3.")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/session", "DELETE, GET, POST"),
        ("/v1/tokens/5", "DELETE"),
        ("/healthz", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/nothing", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_told_which_are(app: FastAPI, path: str, allowed: str) -> None:
    answer = TestClient(app, base_url=HERE, client=("127.0.0.1", 5)).request("PUT", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "content", ['{"text": "\\ud800"}', '{"\\ud800": 1}', '"\\ud800"', "{", "\xff", "[1e999]", "NaN"]
)
def test_halves_of_characters_are_a_problem_not_an_error(app: FastAPI, content: str) -> None:
    class Strict(BaseModel, extra="forbid"):
        text: str = Field(max_length=50)

    here = create_app(app.state.service)

    @here.post("/v1/strict")
    def strict(given: Strict) -> Strict:
        return given

    answer = TestClient(here, base_url=HERE, client=("127.0.0.1", 5)).post(
        "/v1/strict", content=content.encode("latin-1"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
