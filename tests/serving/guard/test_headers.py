"""What every answer carries, whatever it is an answer to."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from maskwise.serving.app import create_app
from maskwise.serving.service import Service
from tests.serving.services import HERE, client

PAGE = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
DATA = "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "policy"),
    [
        ("GET", "/", {}, 200, PAGE),
        ("GET", "/v1/session", {}, 200, DATA),
        ("GET", "/healthz", {}, 200, DATA),
        ("GET", "/nothing", {}, 404, DATA),
        ("PUT", "/healthz", {}, 405, DATA),
        ("GET", "/v1/session", {"Host": "evil.example"}, 403, DATA),
        ("GET", "/v1/tokens", {"Authorization": "Bearer x"}, 401, DATA),
        ("POST", "/v1/tokens", {"Content-Length": "9999999"}, 413, DATA),
        ("POST", "/v1/tokens", {}, 422, DATA),
        ("GET", "/broken", {}, 500, DATA),
    ],
)
def test_headers_of_every_answer(
    parts: Service, method: str, path: str, headers: dict[str, str], status: int, policy: str
) -> None:
    app = create_app(parts)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("rtsp://user:secret@camera/ is not for callers")

    answer = TestClient(app, base_url=HERE, client=("127.0.0.1", 5)).request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["permissions-policy"].startswith("camera=(self)")
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]
    if path.startswith("/v1"):
        assert answer.headers["cache-control"] == "no-store"
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail"} <= answer.json().keys()
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("abc-1.2_3", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("", False),
        ("a\tb", False),
    ],
)
def test_the_number_of_a_request(parts: Service, given: str, taken: bool) -> None:
    answer = client(parts).get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is taken
    assert len(answer.headers["x-request-id"]) >= 9
