from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from maskwise.serving.service import Service
from tests.serving.checking.running import nobody, running

FIRST = {"retention_days": 30, "operating_point": None, "quiet": None, "pause_s": 60.0}


@pytest.fixture
def started(tmp_path: Any) -> Iterator[tuple[TestClient, Service]]:
    with running(tmp_path) as both:
        yield both


def test_what_is_changed_stays_and_the_rest_too(started: tuple[TestClient, Service]) -> None:
    client, service = started
    assert client.get("/v1/settings").json() == FIRST
    changed = client.patch("/v1/settings", json={"quiet": ["22:00", "06:00"], "operating_point": "gate"})
    expected = {**FIRST, "quiet": ["22:00", "06:00"], "operating_point": "gate"}
    assert changed.json() == client.get("/v1/settings").json() == expected
    checked = client.post("/v1/check", content=nobody(), headers={"content-type": "image/png"}).json()
    assert checked["model"]["operating_point"] == "gate"
    assert client.get("/v1/models").json()["models"][0]["operating_point"] == "gate"
    assert client.patch("/v1/settings", json={}).json() == expected
    assert client.patch("/v1/settings", json={"quiet": None, "operating_point": None}).json() == FIRST
    assert '"settings changed"' in service.settings.audit_log.read_text()


def test_what_is_refused(started: tuple[TestClient, Service]) -> None:
    client, _ = started
    wrong: list[Any] = [
        {"retention_days": 0}, {"retention_days": None}, {"retention_days": "7"}, {"retention_days": True},
        {"quiet": ["22:00"]}, {"quiet": ["22:00", "24:00"]}, {"quiet": "22:00"}, {"pause_s": -1}, {"pause_s": 1e9},
        {"operating_point": "other"}, {"colour": "red"}, [], None,
    ]  # fmt: skip
    for body in wrong:
        answer = client.patch("/v1/settings", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), body
    assert client.get("/v1/settings").json() == FIRST
