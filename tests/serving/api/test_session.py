from __future__ import annotations

from pathlib import Path

from tests.serving.services import client, service, token


def test_who_asks(tmp_path: Path) -> None:
    with service(tmp_path) as parts:
        nobody = {"signed_in": False, "name": None, "role": None, "csrf_token": None, "open": False}
        here = {"signed_in": True, "name": "local", "role": "admin", "csrf_token": None, "open": True}
        assert client(parts).get("/v1/session").json() == here
        assert client(parts, peer="10.0.0.7").get("/v1/session").json() == nobody
        assert client(parts).post("/v1/session", json={"token": "x"}).status_code == 401
        secret = token(parts, "operator", "ward 3")
        assert client(parts).get("/v1/session").json() == nobody
        assert client(parts, token=secret[:-1]).get("/v1/session").json() == nobody
        program = client(parts, token=secret).get("/v1/session").json()
        assert program == {**here, "name": "ward 3", "role": "operator", "open": False}
        browser = client(parts)
        signed_in = browser.post("/v1/session", json={"token": f" {secret}\n"}).json()
        assert signed_in == {**program, "csrf_token": signed_in["csrf_token"]}
        assert browser.get("/v1/session").json() == signed_in
        assert len(signed_in["csrf_token"]) == 43
