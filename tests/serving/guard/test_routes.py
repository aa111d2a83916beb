"""Every route asks for somebody, but those that are named here: whoever adds one that does not has to say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from maskwise.serving.app import routes
from maskwise.serving.guard.callers import role_needed
from maskwise.serving.guard.roles import ROLES, Role
from maskwise.serving.service import Service
from tests.serving.services import client, one_of_each, service

RUNTIME = "/runtime/ort-wasm-simd-threaded.wasm"
"""A part of the page."""

FOR_ANYBODY = {
    *(("GET", path) for path in ("/healthz", "/readyz", "/v1/session", RUNTIME)),
    *(("HEAD", path) for path in ("/healthz", "/readyz")),
    ("POST", "/v1/session"),
}

FROM_HERE = {("GET", "/metrics")}
"""For anybody on this machine."""

REST = sorted(
    (method, route.path, role_needed(route))
    for route in routes()
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)
SOCKETS = sorted(route.path for route in routes() if isinstance(route, APIWebSocketRoute))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield parts


@pytest.fixture(scope="module")
def tokens_of(parts: Service) -> dict[Role, str]:
    return one_of_each(parts)


@pytest.fixture(scope="module")
def nobody(parts: Service, tokens_of: dict[Role, str]) -> TestClient:
    assert tokens_of
    return client(parts, peer="10.0.0.7")


def path_of(template: str) -> str:
    """A path with a number, or a word, wherever one belongs."""
    import re

    return re.sub(r"\{[^}]+\}", "1", template)


def test_every_route_is_of_a_kind_that_is_looked_at_here() -> None:
    assert {type(route) for route in routes()} <= {APIRoute, APIWebSocketRoute}
    assert {(method, path) for method, path, _ in REST} >= FOR_ANYBODY | FROM_HERE


@pytest.mark.parametrize(("method", "path", "role"), REST)
def test_nobody_gets_nothing(nobody: TestClient, method: str, path: str, role: Role | None) -> None:
    answer = nobody.request(method, path_of(path))
    if (method, path) in FOR_ANYBODY:
        assert answer.status_code not in (403, 405)
        assert role is None
    else:
        assert role is not None, "a route has to name a role: Viewer, Operator or Admin"
        assert answer.status_code == 401


@pytest.mark.parametrize("path", SOCKETS)
def test_nobody_connects(nobody: TestClient, path: str) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, nobody.websocket_connect(path_of(path)):
        pass
    assert refused.value.code == 1008


LOWER = [(*row, lower) for row in REST if row[2] for lower in ROLES[: ROLES.index(row[2])]]


@pytest.mark.parametrize(("method", "path", "role", "lower"), LOWER)
def test_a_lower_role_is_not_enough(
    parts: Service, tokens_of: dict[Role, str], method: str, path: str, role: Role, lower: Role
) -> None:
    answer = client(parts, token=tokens_of[lower]).request(method, path_of(path), json={})
    # What is asked for is looked at together with who asks; either way nothing was done.
    assert answer.status_code in (403, 422)
    if answer.status_code == 403:
        assert role in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v1/nothing", "//v1/tokens", "/v1//tokens", "/V1/tokens", "/js/../v1/tokens", "/%76%31/tokens",
     "/v1/tokens/", "/inside/", "/inside/model.json", "/nothing", "/.git/config", "/index.html/../v1/tokens"],
)  # fmt: skip
def test_no_spelling_leads_around_the_guard(nobody: TestClient, path: str) -> None:
    # httpx would tidy the path up; the server does not.
    answer = nobody.get(path)
    assert answer.status_code in (401, 404)
    assert "tokens" not in answer.text


def test_the_page_is_there_for_signing_in(nobody: TestClient) -> None:
    page = nobody.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(("peer", "headers", "status"), [
    ("127.0.0.1", {}, 200),
    ("::1", {}, 200),
    ("10.0.0.7", {}, 401),
    ("127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 401),
    ("10.0.0.7", {"X-Forwarded-For": "127.0.0.1"}, 401),
    ("127.0.0.1", {"Host": "evil.example"}, 403),
    ("127.0.0.1", {"Authorization": "Bearer wrong"}, 401),
])  # fmt: skip
def test_figures_are_for_this_machine(
    parts: Service, tokens_of: dict[Role, str], peer: str, headers: dict[str, str], status: int
) -> None:
    assert tokens_of
    assert client(parts, peer=peer).get("/metrics", headers=headers).status_code == status


def test_figures_are_for_viewers(parts: Service, tokens_of: dict[Role, str]) -> None:
    assert client(parts, peer="10.0.0.7", token=tokens_of["viewer"]).get("/metrics").status_code == 200
