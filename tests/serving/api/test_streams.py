from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from maskwise.serving.api.streams import hidden_for
from maskwise.serving.app import create_app
from maskwise.serving.guard.callers import Caller, Viewer
from maskwise.serving.guard.roles import Role
from maskwise.serving.problems import Problem
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Settings
from tests.serving.cameras.footage import clip
from tests.stream.footage import patiently

JSON = {"Content-Type": "application/json"}
ADDRESS = "rtsp://admin:geheim77@192.0.2.7/live?token=geheim78"
ZONE = {"name": "door", "corners": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
LINE = {"name": "gate", "corners": [[0.5, 0], [0.5, 1]]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    media = tmp_path_factory.mktemp("media")
    clip(media / "two.mp4", "slips_under_nose", 20.0, seed=2, rate=4)
    with opened(Settings(tmp_path_factory.mktemp("service"), media=(media,))) as service:
        yield service


@pytest.fixture
def app(service: Service) -> FastAPI:
    return create_app(service)


@pytest.fixture
def client(app: FastAPI, service: Service) -> Iterator[TestClient]:
    yield TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000), raise_server_exceptions=False)
    for stream in service.cameras.board.streams():
        service.cameras.remove(stream["id"])


def acting(app: FastAPI, role: Role) -> None:
    """From now on whoever may look is of this role."""
    asks = get_args(Viewer)[1].dependency
    app.dependency_overrides[asks] = lambda: Caller("somebody", role)


def added(client: TestClient, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/streams", json={"name": "hall", "source": "two.mp4", **more})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def audited(service: Service) -> str:
    return service.settings.audit_log.read_text()


def test_a_stream_comes_is_changed_and_goes(client: TestClient, service: Service) -> None:
    stream = added(client, looks_per_s=5, zones=[ZONE], lines=[LINE], after_s=1.5, violations=["unmasked"])
    path = f"/v1/streams/{stream['id']}"
    assert (stream["name"], stream["source"], stream["kind"], stream["paused"]) == ("hall", "two.mp4", "file", False)
    assert stream["how"] == {
        "looks_per_s": 5, "min_face_px": 40, "operating_point": None, "violations": ["unmasked"], "after_s": 1.5,
        "blur": "all", "zones": [ZONE], "lines": [LINE],
    }  # fmt: skip
    assert patiently(lambda: client.get(path).json()["state"] == "connected")
    assert [one["id"] for one in client.get("/v1/streams").json()["streams"]] == [stream["id"]]
    paused = client.patch(path, json={"paused": True}).json()
    assert (paused["state"], paused["paused"]) == ("paused", True)
    changed = client.patch(path, json={"name": "door", "after_s": 0.5, "lines": []}).json()
    assert changed["name"] == "door"
    assert changed["how"] == {**stream["how"], "after_s": 0.5, "lines": []}
    assert client.patch(path, json={"operating_point": "gate"}).json()["how"]["operating_point"] == "gate"
    assert client.patch(path, json={"operating_point": None}).json()["how"]["operating_point"] is None
    assert client.patch(path, json={}).json()["how"] == changed["how"]
    gone = client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert all(kind in audited(service) for kind in ("stream added", "stream changed", "stream removed"))


def test_nobody_is_told_the_password(client: TestClient, service: Service) -> None:
    stream = added(client, name="secret", source=ADDRESS)
    assert stream["source"] == "rtsp://192.0.2.7/live"
    client.patch(f"/v1/streams/{stream['id']}", json={"source": ADDRESS.replace("live", "other")})
    refused = client.post("/v1/streams", json={"name": "x", "source": ADDRESS.replace("192.0.2.7", "127.0.0.1")})
    assert refused.status_code == 422
    told = client.get("/v1/streams").text + audited(service) + refused.text
    assert "geheim" not in told


BODY = {"name": "x", "source": "two.mp4"}


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""}, {"name": "x" * 101}, {"name": "x\n"}, {"name": " x"}, {"name": "\ud800"}, {"name": "x\0"},
        {"name": 3}, {"name": None}, {"source": ""}, {"source": "two.mp4\0"}, {"source": "x" * 3000}, {"source": "-"},
        {"source": "/etc/passwd"}, {"source": "absent.mp4"}, {"source": "http://169.254.169.254/"}, {"source": None},
        {"colour": "red"}, {"id": 3}, {"paused": True}, {"looks_per_s": 0}, {"looks_per_s": 1e308},
        {"looks_per_s": None}, {"looks_per_s": "5"}, {"after_s": True}, {"min_face_px": "40"},
        {"looks_per_s": float("nan")}, {"min_face_px": 41}, {"after_s": -1},
        {"after_s": float("inf")}, {"blur": "some"}, {"violations": ["uncertain"]}, {"violations": "unmasked"},
        {"operating_point": "none such"}, {"zones": [{**ZONE, "corners": [[0, 0], [1, 1]]}]}, {"zones": [ZONE, ZONE]},
        {"zones": [ZONE] * 33}, {"zones": [ZONE], "lines": [{**LINE, "name": "door"}]},
        {"zones": [{**ZONE, "corners": [[0, 0]] * 3}]}, {"zones": [{**ZONE, "corners": [[0, 2], [1, 0], [1, 1]]}]},
        {"zones": [{**ZONE, "corners": [[0, float("nan")], [1, 0], [1, 1]]}]},
        {"lines": [{**LINE, "corners": [[0, 0]] * 2}]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(client: TestClient, given: dict[str, Any]) -> None:
    refused(client.post("/v1/streams", content=json.dumps({**BODY, **given}), headers=JSON))
    assert client.get("/v1/streams").json() == {"streams": []}


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "{", '{"name": "x"}', '{"source": "two.mp4"}', "[" * 5000])
def test_what_is_no_stream_at_all_is_refused(client: TestClient, body: str) -> None:
    refused(client.post("/v1/streams", content=body, headers=JSON), (400, 422))


def refused(answer: Any, statuses: tuple[int, ...] = (422,)) -> None:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_names_are_given_once(client: TestClient) -> None:
    one = added(client)
    assert client.post("/v1/streams", json={"name": "hall", "source": "two.mp4"}).status_code == 409
    two = added(client, name="other")
    assert client.patch(f"/v1/streams/{two['id']}", json={"name": "hall"}).status_code == 409
    assert client.patch(f"/v1/streams/{one['id']}", json={"name": "hall"}).status_code == 200


@pytest.mark.parametrize("number", [2**63 - 1, 999_999, 1])
@pytest.mark.parametrize("after", ["", "/still.jpg"])
def test_streams_that_are_not_there(client: TestClient, number: int, after: str) -> None:
    assert client.get(f"/v1/streams/{number}{after}").status_code == 404
    if not after:
        assert client.delete(f"/v1/streams/{number}").status_code == 404
        assert client.patch(f"/v1/streams/{number}", json={"paused": True}).status_code == 404
        assert client.patch(f"/v1/streams/{number}", json={"after_s": 1}).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "9" * 40, "x", "1.5", "%00"])
def test_numbers_that_are_none(client: TestClient, number: str) -> None:
    for answer in (client.get(f"/v1/streams/{number}"), client.delete(f"/v1/streams/{number}")):
        assert answer.status_code == 422


def test_who_may_change_what(app: FastAPI, client: TestClient) -> None:
    path = f"/v1/streams/{added(client)['id']}"
    may: dict[Role, tuple[int, int]] = {"viewer": (403, 403), "operator": (200, 403), "admin": (200, 200)}
    for role, (pause, change) in may.items():
        acting(app, role)
        assert client.patch(path, json={"paused": True}).status_code == pause
        assert client.patch(path, json={"paused": True, "name": role}).status_code == change
        assert client.patch(path, json={"looks_per_s": 5}).status_code == change
        assert client.get(path).status_code == 200


def test_stills(app: FastAPI, client: TestClient) -> None:
    stream = added(client)
    path = f"/v1/streams/{stream['id']}/still.jpg"
    assert patiently(lambda: client.get(path).status_code == 200)
    answer = client.get(path, params={"width": 200, "blur": "none"})
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert Pillow.open(io.BytesIO(answer.content)).size == (160, 120)
    assert Pillow.open(io.BytesIO(client.get(path).content)).size == (320, 240)
    for wrong in ({"width": 10}, {"width": 10**20}, {"width": "x"}, {"blur": "some"}):
        assert client.get(path, params=wrong).status_code == 422
    acting(app, "viewer")
    assert [client.get(path, params={"blur": blur}).status_code for blur in ("all", "unmasked", "none")] == [
        200,
        403,
        403,
    ]
    acting(app, "operator")
    assert client.get(path, params={"blur": "none"}).status_code == 200
    client.patch(f"/v1/streams/{stream['id']}", json={"paused": True})
    assert client.get(path).status_code == 409


@pytest.mark.parametrize(
    ("role", "asked", "usual", "hidden"),
    [
        ("viewer", None, "none", "all"), ("viewer", "all", "none", "all"), ("viewer", "unmasked", "none", None),
        ("viewer", "none", "all", None), ("operator", None, "unmasked", "unmasked"), ("operator", None, "all", "all"),
        ("operator", "none", "all", "none"), ("admin", "all", "none", "all"),
    ],
)  # fmt: skip
def test_whose_faces_are_hidden_from_whom(role: Any, asked: Any, usual: Any, hidden: str | None) -> None:
    if hidden is None:
        with pytest.raises(Problem):
            hidden_for(Caller("x", role), asked, usual)
    else:
        assert hidden_for(Caller("x", role), asked, usual) == hidden
