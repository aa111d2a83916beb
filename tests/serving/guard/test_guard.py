"""Attacks on the guard, and whom it lets in."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import WebSocket
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from maskwise.serving.app import create_app
from maskwise.serving.guard import bodies, leases
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.guard.identity import COOKIE, Identities, Identity, Shown
from maskwise.serving.guard.roles import Role
from maskwise.serving.service import Service
from maskwise.serving.store import tokens
from tests.serving.awaiting import awaited
from tests.serving.services import HERE, client, service, token

PROBLEM = "application/problem+json"

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound


def kinds(parts: Service) -> list[str]:
    return [json.loads(line)["kind"] for line in parts.settings.audit_log.read_text().splitlines()]


def identity_at(parts: Service, now_s: float, seen: Shown) -> Identity | None:
    """Who shows this at this moment."""
    identities = Identities(parts.database, open_here=True, now=lambda: now_s)
    return identities.find(seen, is_local=True)


# --- open, on this machine, while there is no token


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Origin": HERE}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "rebound.evil.example:8000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Forwarded-For": "203.0.113.4"}, 401),
        ({"Via": "1.1 proxy"}, 401),
        ({"Authorization": "Bearer mw_wrong"}, 401),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_open_to_this_machine_only(parts: Service, headers: dict[str, str], status: int, method: str) -> None:
    asked: dict[str, Any] = {"json": {"name": "me", "role": "admin"}} if method == "POST" else {}
    answer = client(parts).request(method, "/v1/tokens", headers=headers, **asked)
    assert answer.status_code == (201 if (status, method) == (200, "POST") else status)
    if status != 200:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == status


def test_the_first_token_ends_it(parts: Service) -> None:
    here = client(parts)
    assert here.get("/v1/session").json()["open"] is True
    made = here.post("/v1/tokens", json={"name": "boss", "role": "admin"})
    assert made.status_code == 201
    assert here.get("/v1/tokens").status_code == 401
    assert here.get("/v1/session").json() == {
        "signed_in": False, "name": None, "role": None, "csrf_token": None, "open": False
    }  # fmt: skip
    assert client(parts, token=made.json()["token"]).get("/v1/tokens").status_code == 200


def test_an_expired_token_does_not_open_it_again(parts: Service) -> None:
    secret = token(parts, "admin", expires_s=time.time() - 1)
    assert client(parts).get("/v1/tokens").status_code == 401
    assert client(parts, token=secret).get("/v1/tokens").status_code == 401


@pytest.mark.parametrize(
    "settings",
    [{"host": EVERYWHERE}, {"host": "192.168.1.5"}, {"behind_proxy": True}, {"proxies": ("172.18.0.0/16",)}],
)
def test_a_service_others_can_reach_is_never_open(tmp_path: Path, settings: dict[str, Any]) -> None:
    with service(tmp_path / "service", **settings) as parts:
        assert client(parts).get("/v1/tokens").status_code == 401
        assert client(parts).get("/v1/session").json()["open"] is False


# --- tokens


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer mw_", "Basic YTpi", "Bearer \xff\xfe", "Bearer " + "x" * 5000, "mw_x", "bearer null"],
)
def test_no_token_no_entry(parts: Service, tokens_of: dict[Role, str], authorization: str) -> None:
    answer = client(parts).get("/v1/tokens", headers={b"Authorization": authorization.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert tokens_of["admin"] not in answer.text


def test_only_the_hash_is_stored(parts: Service, tokens_of: dict[Role, str]) -> None:
    client(parts).post("/v1/session", json={"token": tokens_of["admin"]})
    stored = b"".join(path.read_bytes() for path in parts.settings.folder.iterdir())
    for secret in tokens_of.values():
        assert secret.encode() not in stored
        assert secret.removeprefix("mw_").encode() not in stored


def test_expiry_and_revocation_end_token_and_browser(parts: Service, tokens_of: dict[Role, str]) -> None:
    boss, browser = client(parts, token=tokens_of["admin"]), client(parts)
    assert browser.post("/v1/session", json={"token": tokens_of["viewer"]}).status_code == 200
    assert browser.get("/v1/session").json()["name"] == "viewer"
    number = next(one["id"] for one in boss.get("/v1/tokens").json()["tokens"] if one["name"] == "viewer")
    assert boss.delete(f"/v1/tokens/{number}").status_code == 204
    assert browser.get("/v1/session").json()["signed_in"] is False
    assert client(parts, token=tokens_of["viewer"]).get("/v1/openapi.json").status_code == 401


def test_last_use_is_written_once_a_minute(parts: Service) -> None:
    secret, seen = token(parts, "admin"), []
    for now_s in (1000.0, 1030.0, 1059.0, 1061.0):
        found = identity_at(parts, now_s, Shown(secret, None, None))
        assert found is not None
        with parts.database.begin() as session:
            seen.append(tokens.listed(session)[0].used_s)
    assert seen == [1000.0, 1000.0, 1000.0, 1061.0]


def test_what_is_changed_beside_the_service_holds_within_a_second(parts: Service) -> None:
    secret, clock = token(parts, "admin"), [1000.0]
    identities = Identities(parts.database, open_here=True, now=lambda: clock[0])
    seen = Shown(secret, None, None)
    assert identities.believed(seen, is_local=True) is None
    assert identities.find(seen, is_local=True) is not None
    with parts.database.begin() as session:
        tokens.revoke(session, tokens.listed(session)[0].id)
    believed = []
    for at_s in (1000.0, 1000.9, 1001.0, 999.0):
        clock[0] = at_s
        believed.append(identities.believed(seen, is_local=True) is not None)
    assert believed == [True, True, False, False]
    assert identities.believed(Shown(secret + "x", None, None), is_local=True) is None
    assert identities.believed(Shown(None, secret, None), is_local=True) is None
    identities.forget()
    clock[0] = 1000.0
    assert identities.believed(seen, is_local=True) is None


def test_what_was_looked_up_before_a_change_is_not_believed_after_it(
    parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, identities = token(parts, "admin"), Identities(parts.database, open_here=True)
    find = tokens.find

    def changed_meanwhile(*asked: Any) -> Any:
        found = find(*asked)
        identities.forget()
        return found

    monkeypatch.setattr(tokens, "find", changed_meanwhile)
    seen = Shown(secret, None, None)
    assert identities.find(seen, is_local=True) is not None
    assert identities.believed(seen, is_local=True) is None


def test_refusals_are_on_record_and_cannot_fill_it(parts: Service, tokens_of: dict[Role, str]) -> None:
    here = client(parts)
    for _ in range(70):
        here.get("/v1/tokens", headers={"Authorization": "Bearer mw_guess-of-somebody"})
    assert kinds(parts).count("token refused") == 60
    assert "guess" not in parts.settings.audit_log.read_text()
    assert tokens_of["viewer"] not in parts.settings.audit_log.read_text()


# --- signing in


def test_signing_in_and_out(parts: Service, tokens_of: dict[Role, str]) -> None:
    browser = client(parts)
    answer = browser.post("/v1/session", json={"token": tokens_of["operator"]})
    assert answer.json()["role"] == "operator"
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    csrf = answer.json()["csrf_token"]
    assert browser.get("/v1/session").json()["csrf_token"] == csrf
    assert browser.delete("/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert browser.get("/v1/session").json()["signed_in"] is False
    assert kinds(parts)[-2:] == ["signed in", "signed out"]


@pytest.mark.parametrize("proof", [None, "", "wrong", "x" * 43, "\xe9"])
def test_a_change_from_the_page_needs_its_proof(parts: Service, tokens_of: dict[Role, str], proof: str | None) -> None:
    browser = client(parts)
    browser.post("/v1/session", json={"token": tokens_of["admin"]})
    headers = {} if proof is None else {b"X-CSRF-Token": proof.encode("latin-1")}
    answer = browser.post("/v1/tokens", json={"name": "n", "role": "viewer"}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    assert browser.get("/v1/tokens").status_code == 200


def test_the_proof_of_another_session_is_none(parts: Service, tokens_of: dict[Role, str]) -> None:
    mine, other = client(parts), client(parts)
    mine.post("/v1/session", json={"token": tokens_of["admin"]})
    proof = other.post("/v1/session", json={"token": tokens_of["admin"]}).json()["csrf_token"]
    for browser, status in ((mine, 403), (other, 201)):
        answer = browser.post("/v1/tokens", json={"name": "n", "role": "viewer"}, headers={"X-CSRF-Token": proof})
        assert answer.status_code == status


def test_sessions_end_when_nothing_is_asked_and_slide_when_it_is(parts: Service) -> None:
    browser, now_s = client(parts), time.time()
    browser.post("/v1/session", json={"token": token(parts, "viewer")})
    cookie = Shown(None, browser.cookies[COOKIE], None)
    lives = [identity_at(parts, now_s + 3600 * hours, cookie) is not None for hours in (11, 22, 33, 44.9, 57.1)]
    assert lives == [True, True, True, True, False]


def test_a_session_ends_with_its_token(parts: Service) -> None:
    browser, now_s = client(parts), time.time()
    browser.post("/v1/session", json={"token": token(parts, "viewer", expires_s=now_s + 3600)})
    cookie = Shown(None, browser.cookies[COOKIE], None)
    assert [identity_at(parts, now_s + after_s, cookie) is not None for after_s in (60, 3700)] == [True, False]


def test_sign_ins_are_limited(parts: Service, tokens_of: dict[Role, str]) -> None:
    browser = client(parts)
    statuses = [browser.post("/v1/session", json={"token": "mw_guess"}).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    late = browser.post("/v1/session", json={"token": tokens_of["admin"]})
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert client(parts, peer="127.0.0.2", token=tokens_of["admin"]).get("/v1/tokens").status_code == 200


@pytest.mark.parametrize("given", ["", "x" * 501, 5, None, "\ud800"])
def test_what_is_no_token_is_said_so(parts: Service, given: Any) -> None:
    answer = client(parts).post(
        "/v1/session", content=json.dumps({"token": given}), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (401, 422)
    assert answer.headers["content-type"] == PROBLEM


def test_a_cookie_is_secure_behind_tls(tmp_path: Path) -> None:
    with service(tmp_path / "service", behind_proxy=True, names=("ward.example",)) as parts:
        browser = client(parts, base="http://ward.example")
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.7", "Origin": "https://ward.example"}
        answer = browser.post("/v1/session", json={"token": token(parts, "viewer")}, headers=forwarded)
        assert answer.status_code == 200
        assert "Secure" in answer.headers["set-cookie"].split("; ")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


# --- WebSockets


COUNTING = "ws://127.0.0.1:8000/v1/counting"


def with_socket(parts: Service, **given: Any) -> TestClient:
    """A client of a service with one more route, which counts."""
    app = create_app(parts)

    @app.websocket("/v1/counting")
    async def count(socket: WebSocket, caller: Viewer) -> None:
        await socket.accept()
        while True:
            await socket.send_json({"caller": caller.name, "said": await socket.receive_text()})

    return TestClient(app, base_url=HERE, client=("127.0.0.1", 50_000), **given)


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"Authorization": "Bearer {viewer}"}, True),
        ({}, False),
        ({"Authorization": "Bearer wrong"}, False),
        ({"Authorization": "Bearer {viewer}", "Origin": "http://evil.example"}, False),
        ({"Authorization": "Bearer {viewer}", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Authorization": "Bearer {viewer}", "Host": "evil.example"}, False),
    ],
)
def test_a_websocket_is_guarded_alike(
    parts: Service, tokens_of: dict[Role, str], headers: dict[str, str], let_in: bool
) -> None:
    here = with_socket(parts)
    filled = {name: value.format(**tokens_of) for name, value in headers.items()}
    if let_in:
        with here.websocket_connect(COUNTING, headers=filled) as socket:
            socket.send_text("1")
            assert socket.receive_json() == {"caller": "viewer", "said": "1"}
    else:
        with pytest.raises(WebSocketDisconnect) as refused, here.websocket_connect(COUNTING, headers=filled):
            pass
        assert refused.value.code == 1008


def test_the_page_connects_with_its_cookie(parts: Service, tokens_of: dict[Role, str]) -> None:
    browser = with_socket(parts)
    browser.post("/v1/session", json={"token": tokens_of["viewer"]})
    with browser.websocket_connect(COUNTING, headers={"Origin": HERE}) as socket:
        socket.send_text("1")
        assert socket.receive_json()["caller"] == "viewer"


def test_who_is_revoked_hears_no_more(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "EVERY_S", 0.0)
    secret = token(parts, "viewer")
    here = with_socket(parts, headers={"Authorization": f"Bearer {secret}"})
    with here.websocket_connect(COUNTING) as socket:
        socket.send_text("1")
        assert socket.receive_json()["said"] == "1"
        with parts.database.begin() as session:
            tokens.revoke(session, tokens.listed(session)[0].id)
        parts.identities.forget()
        socket.send_text("2")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1008


def test_whoever_looks_on_stays_while_the_database_is_away(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("select", None, Exception("gone"))

    monkeypatch.setattr(leases, "EVERY_S", 0.0)
    here = with_socket(parts, headers={"Authorization": f"Bearer {token(parts, 'viewer')}"})
    with here.websocket_connect(COUNTING) as socket:
        with monkeypatch.context() as patched:
            patched.setattr("maskwise.serving.store.tokens.find", away)
            parts.identities.forget()
            socket.send_text("1")
            assert socket.receive_json()["said"] == "1"
        socket.send_text("2")
        assert socket.receive_json()["said"] == "2"


# --- limits


def test_a_caller_may_not_ask_without_end(tmp_path: Path) -> None:
    from maskwise.serving.settings import Limits

    with service(tmp_path / "service", limits=Limits(requests_per_minute=5)) as parts:
        here = client(parts)
        assert [here.get("/v1/openapi.json").status_code for _ in range(7)] == [200] * 5 + [429] * 2
        assert {here.get("/healthz").status_code for _ in range(20)} == {200}


@pytest.mark.parametrize("announced", [True, False])
def test_no_body_is_larger_than_it_may_be(parts: Service, announced: bool) -> None:
    large = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    pieces = (large[at : at + 100_000] for at in range(0, len(large), 100_000))
    answer = client(parts).post(
        "/v1/tokens", content=large if announced else pieces, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_no_body_is_slower_than_it_may_be(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.2)

    async def sent(path: str, kind: bytes) -> list[Any]:
        """What a client hears that sends a byte now and then, for as long as it is listened to."""
        heard: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b" ", "more_body": True}

        async def send(message: Any) -> None:
            heard.append(message)

        headers = [(b"host", b"127.0.0.1:8000"), (b"content-type", kind)]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
                 "headers": headers, "client": ("127.0.0.1", 5), "http_version": "1.1", "scheme": "http"}  # fmt: skip
        async with asyncio.timeout(10):
            await create_app(parts)(scope, receive, send)
        return heard

    for path, kind in (("/v1/tokens", b"application/json"), ("/v1/check", b"image/png")):
        start, _ = awaited(sent(path, kind))
        headers = dict(start["headers"])
        assert (start["status"], headers[b"content-type"]) == (408, PROBLEM.encode())
        assert headers[b"connection"] == b"close"


# --- what goes wrong


def test_a_database_that_does_not_answer_lets_nobody_in(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    here = client(parts, token=token(parts, "admin"))
    assert here.get("/v1/tokens").status_code == 200

    def broken(*_: Any) -> None:
        raise OperationalError("select", None, Exception("gone"))

    monkeypatch.setattr("maskwise.serving.store.tokens.find", broken)
    parts.identities.forget()
    answer = here.get("/v1/tokens")
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert here.get("/healthz").status_code == 200


def test_cookies_of_others_are_no_session(parts: Service, tokens_of: dict[Role, str]) -> None:
    for cookie in ("", "x", "0" * 43, tokens_of["admin"]):
        assert client(parts).get("/v1/tokens", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401
