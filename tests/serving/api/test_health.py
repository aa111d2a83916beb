from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from maskwise.errors import StorageError
from maskwise.serving.api import health
from maskwise.serving.service import Service
from tests.serving.services import client, service


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as parts:
        yield parts


class Database:
    """One that cannot be asked."""

    def __init__(self, until: Event | None = None) -> None:
        self._until = until

    @contextmanager
    def read(self) -> Iterator[Any]:
        if self._until is None:
            raise StorageError("postgresql://user:secret@host is gone")
        self._until.wait(60)
        yield None


def test_life_signs(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.1)
    assert client(parts).get("/readyz").json() == {"status": "ready"}
    parts.metrics.waiting.set_function(lambda: parts.settings.limits.waiting)
    answer = client(parts).get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "128 pictures wait" in answer.json()["detail"]
    parts.metrics.waiting.set_function(lambda: 0)
    hanging = Event()
    for database in (Database(), Database(hanging)):
        answer = client(replace(parts, database=database)).get("/readyz")  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["detail"]) == (503, "the database does not answer")
        assert client(replace(parts, database=database)).get("/healthz").status_code == 200  # type: ignore[arg-type]
    hanging.set()


def test_figures(parts: Service) -> None:
    here = client(parts)
    for path in ("/healthz", "/v1/session", "/v1/tokens/77", "/made/up", "/made/up/too", "/v1/made/up"):
        here.get(path)
    here.delete("/v1/tokens/77")
    here.request("BREW", "/healthz")
    here.get("/v1/session", headers={"Host": "evil.example"})
    text = here.get("/metrics").text
    counted = {line.split(" ")[0] for line in text.splitlines() if line.startswith("maskwise_requests_total{")}
    assert counted == {
        f'maskwise_requests_total{{method="{method}",route="{route}",status="{status}"}}'
        for method, route, status in (
            ("GET", "/healthz", 200), ("GET", "/v1/session", 200), ("GET", "/v1/tokens/{number}", 405),
            ("DELETE", "/v1/tokens/{number}", 409), ("GET", "others", 404), ("GET", "refused", 403),
            ("others", "/healthz", 405),
        )
    }  # fmt: skip
    assert 'maskwise_info{version="' in text
    assert "maskwise_request_seconds_bucket" in text
