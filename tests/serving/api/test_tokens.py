from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from maskwise.serving.service import Service
from tests.serving.services import client, service, token


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield parts


@pytest.fixture(scope="module")
def boss(parts: Service) -> TestClient:
    return client(parts, token=token(parts, "admin", "boss"))


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"name": "ward 3", "role": "viewer"}, 201),
        ({"name": "ward 3", "role": "operator"}, 409),
        ({"name": "Käthe 看護", "role": "operator", "expires_days": 1}, 201),
        ({"name": "x" * 100, "role": "viewer", "expires_days": None}, 201),
        ({"name": "local", "role": "viewer"}, 409),
        ({"name": "environment", "role": "admin"}, 409),
        ({"name": "", "role": "viewer"}, 422),
        ({"name": " ", "role": "viewer"}, 422),
        ({"name": " a", "role": "viewer"}, 422),
        ({"name": "a\n", "role": "viewer"}, 422),
        ({"name": "a\x00b", "role": "viewer"}, 422),
        ({"name": "a\nb", "role": "viewer"}, 422),
        ({"name": "x" * 101, "role": "viewer"}, 422),
        ({"name": "n", "role": "root"}, 422),
        ({"name": "n"}, 422),
        ({"name": "n", "role": "viewer", "expires_days": 0}, 422),
        ({"name": "n", "role": "viewer", "expires_days": 1e9}, 422),
        ([], 422),
        (None, 422),
    ],
)
def test_making_one(boss: TestClient, parts: Service, given: Any, status: int) -> None:
    answer = boss.post("/v1/tokens", json=given)
    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.headers["content-type"] == "application/problem+json"
        return
    made = answer.json()
    assert re.fullmatch(r"mw_[A-Za-z0-9_-]{43}", made.pop("token"))
    listed = {one["id"]: one for one in boss.get("/v1/tokens").json()["tokens"]}
    assert listed[made["id"]].items() >= made.items()
    assert (listed[made["id"]]["expires"] is None) is (given.get("expires_days") is None)
    last = json.loads(parts.settings.audit_log.read_text().splitlines()[-1])
    assert (last["kind"], last["facts"]) == (
        "token created", {"by": "boss", "name": given["name"], "role": given["role"]}
    )  # fmt: skip


def test_ending_one(boss: TestClient, parts: Service) -> None:
    made = boss.post("/v1/tokens", json={"name": "for a day", "role": "admin"}).json()
    other = client(parts, token=made["token"])
    assert other.get("/v1/tokens").status_code == 200
    assert boss.delete(f"/v1/tokens/{made['id']}").status_code == 204
    assert other.get("/v1/tokens").status_code == 401
    assert boss.delete(f"/v1/tokens/{made['id']}").status_code == 404
    for wrong in ("0", "-1", "x", "1.5", str(2**31), str(2**70)):
        assert boss.delete(f"/v1/tokens/{wrong}").status_code == 422


def test_an_admin_is_always_left(boss: TestClient) -> None:
    (mine,) = (one["id"] for one in boss.get("/v1/tokens").json()["tokens"] if one["role"] == "admin")
    assert boss.delete(f"/v1/tokens/{mine}").status_code == 409
    assert boss.get("/v1/tokens").status_code == 200


def test_the_first_is_an_admin(tmp_path: Path) -> None:
    with service(tmp_path) as parts:
        here = client(parts)
        refused = here.post("/v1/tokens", json={"name": "n", "role": "viewer"})
        assert refused.status_code == 409
        assert here.get("/v1/session").json()["open"] is True
        assert here.post("/v1/tokens", json={"name": "n", "role": "admin"}).status_code == 201
