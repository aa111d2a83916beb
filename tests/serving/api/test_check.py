from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from maskwise.inference.checker import load
from maskwise.serving.app import create_app
from maskwise.serving.checking.schemas import CheckJson
from maskwise.serving.service import Service
from maskwise.serving.settings import Limits
from tests.serving.awaiting import awaited
from tests.serving.checking.running import encoded, nobody, one_face, people, running

OCTETS = {"content-type": "application/octet-stream"}
SMALL = Limits(max_bytes=500_000, max_pixels=640 * 480, max_pictures=3)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    with running(tmp_path_factory.mktemp("service"), SMALL) as both:
        yield both


@pytest.fixture
def client(started: tuple[TestClient, Service]) -> TestClient:
    return started[0]


def post(client: TestClient, body: bytes, query: str = "", **headers: str) -> Any:
    return client.post(f"/v1/check{query}", content=body, headers={**OCTETS, **headers})


def typed(client: TestClient, body: bytes, kind: str) -> Any:
    return client.post("/v1/check", content=body, headers={"content-type": kind})


def parts(*pictures: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("picture", picture) for picture in pictures]


def test_what_is_said_is_what_the_checker_says(client: TestClient, tmp_path: Path) -> None:
    pictures = [("four.png", people(4)), ("one.jpg", one_face()), ("none.png", nobody())]
    answer = client.post("/v1/check", files=parts(*pictures))
    assert answer.status_code == 200
    CheckJson.model_validate_json(answer.content, strict=True)
    said, faces, checker = answer.json(), 0, load()
    for i, ((name, data), row) in enumerate(zip(pictures, said["results"], strict=True)):
        (tmp_path / name).write_bytes(data)
        alone = checker(tmp_path / name)
        faces += len(alone.faces)
        for face in row["faces"]:
            del face["mask_present"], face["nose_and_mouth_covered"]
        assert row == alone.to_json() | {"source": name, "index": i}
    assert faces >= 5
    assert said["summary"] is None
    assert said["model"]["name"] == "default"
    assert re.fullmatch("[0-9a-f]{64}", said["model"]["sha256"])


@pytest.mark.parametrize("kind", ["image/jpeg", "image/anything; charset=x", "application/octet-stream", ""])
def test_one_picture_as_it_is(client: TestClient, kind: str) -> None:
    answer = client.post("/v1/check", content=one_face(), headers={"content-type": kind})
    (row,) = answer.json()["results"]
    assert (row["source"], row["error"], len(row["faces"])) == ("", None, 1)


def test_a_bad_picture_costs_one_row(client: TestClient) -> None:
    wide = encoded(np.zeros((481, 640, 3), np.uint8))
    pictures = [("../../etc/a.jpg", b"no picture"), ("C:\\b\\wide.png", wide), ("ä.png", people(2))]
    rows = client.post("/v1/check", files=parts(*pictures)).json()["results"]
    assert [(row["source"], len(row["faces"]), bool(row["error"])) for row in rows] == [
        ("a.jpg", 0, True), ("wide.png", 0, True), ("ä.png", 2, False),
    ]  # fmt: skip
    assert "not a picture" in rows[0]["error"]
    assert "640 x 481 pixels, at most 307,200" in rows[1]["error"]


def test_a_lone_bad_picture_is_answered_too(client: TestClient) -> None:
    answer = post(client, b"no picture")
    assert answer.status_code == 200
    assert answer.json()["results"][0]["error"].startswith("the picture: ")


def test_thresholds_and_summary(client: TestClient) -> None:
    def labels(query: str) -> list[str]:
        return [face["verdict"] for face in post(client, people(4), query).json()["results"][0]["faces"]]

    assert set(labels("?threshold=1")) == {"uncertain"}
    assert "uncertain" not in labels("?operating_point=statistics")
    said = post(client, people(4), "?operating_point=gate&min_confidence=0.8").json()
    assert said["model"]["operating_point"] == "gate"
    faces = said["results"][0]["faces"]
    assert len(faces) == 4
    for i, face in enumerate(faces):
        sure = face["confidence"] >= 0.8 and face["verdict"] != "uncertain"
        group = ("with_mask" if face["verdict"] == "masked" else "without_mask") if sure else "indeterminate"
        assert {"picture": 0, "face": i} in said["summary"][group]


def test_the_drawing(client: TestClient) -> None:
    def drawn(query: str) -> np.ndarray[Any, Any]:
        (row,) = post(client, people(4), f"?annotated=true{query}").json()["results"]
        return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(row["annotated_jpeg"]))), np.int16)

    plain, hidden = drawn(""), drawn("&blur=all")
    assert plain.shape == hidden.shape == (480, 640, 3)
    assert np.abs(plain - hidden).max() > 60
    answer = post(client, people(4), accept="image/jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    shown = np.asarray(Pillow.open(io.BytesIO(answer.content)), np.int16)
    assert np.abs(shown - plain).max() == 0
    assert "annotated_jpeg" not in post(client, people(4)).json()["results"][0]


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (400, lambda c: post(c, b"")),
        (400, lambda c: typed(c, b"--x--\r\n", "multipart/form-data; boundary=x")),
        (400, lambda c: typed(c, b"x", "multipart/form-data")),
        (406, lambda c: post(c, one_face(), accept="text/html")),
        (406, lambda c: c.post("/v1/check", files=parts(*[("a", nobody())] * 2), headers={"accept": "image/jpeg"})),
        (413, lambda c: post(c, b"x" * 500_001)),
        (413, lambda c: c.post("/v1/check", files=parts(("a", b"x" * 500_001)))),
        (413, lambda c: c.post("/v1/check", files=parts(*[("a", nobody())] * 4))),
        (415, lambda c: typed(c, b"x", "application/x-www-form-urlencoded")),
        (415, lambda c: c.post("/v1/check", json={"picture": "x"})),
        (422, lambda c: c.post("/v1/check", files=[("image", ("a", nobody()))])),
        (422, lambda c: post(c, nobody(), "?threshold=1.1")),
        (422, lambda c: post(c, nobody(), "?threshold=nan")),
        (422, lambda c: post(c, nobody(), "?min_confidence=-0.1")),
        (422, lambda c: post(c, nobody(), "?blur=some")),
        (422, lambda c: post(c, nobody(), "?operating_point=none_such")),
        (422, lambda c: post(c, b"no picture", accept="image/jpeg")),
    ],
)  # fmt: skip
def test_what_is_refused(client: TestClient, status: int, ask: Callable[[TestClient], Any]) -> None:
    answer = ask(client)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 10
    described = client.get("/v1/openapi.json").json()["paths"]["/v1/check"]["post"]["responses"]
    assert str(status) in described


def test_no_temporary_file_is_made(client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    answer = client.post("/v1/check", files=parts(*[("a.png", people(4))] * 3))
    assert [len(row["faces"]) for row in answer.json()["results"]] == [4, 4, 4]
    assert len(people(4)) > 100_000


def test_pictures_are_counted(started: tuple[TestClient, Service]) -> None:
    client, service = started

    def counted(name: str, **labels: str) -> float:
        return service.metrics.register.get_sample_value(name, labels) or 0.0

    outcomes = ("looked", "unreadable")
    before = [counted("maskwise_pictures_total", outcome=outcome) for outcome in outcomes]
    faces = counted("maskwise_faces_total", verdict="unmasked")
    said = client.post("/v1/check", files=parts(("a", one_face()), ("b", b"x"))).json()
    after = [counted("maskwise_pictures_total", outcome=outcome) for outcome in outcomes]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]
    assert said["results"][0]["faces"][0]["verdict"] == "unmasked"
    assert counted("maskwise_faces_total", verdict="unmasked") == faces + 1


# --- what a server sees of its callers, without a server ---


class Caller:
    """Speaks ASGI: sends chunks, then waits, and hangs up when told to."""

    def __init__(self, service: Service, chunks: Iterator[bytes], *headers: tuple[bytes, bytes]) -> None:
        self._app, self._chunks, self._headers = create_app(service), chunks, headers
        self.asked, self.sent = 0, list[dict[str, Any]]()
        self.hang_up, self._ended = asyncio.Event(), False

    async def __call__(self) -> int:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/v1/check", "raw_path": b"/v1/check", "root_path": "", "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8000"), (b"content-type", b"image/png"), *self._headers],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        await self._app(scope, self._receive, self._send)
        return int(self.sent[0]["status"])

    async def _receive(self) -> dict[str, Any]:
        self.asked += 1
        if not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            return {"type": "http.request", "body": chunk or b"", "more_body": not self._ended}
        await self.hang_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


def test_a_body_without_a_length_is_cut_off_at_the_limit(started: tuple[TestClient, Service]) -> None:
    caller = Caller(started[1], iter(lambda: b"x" * 10_000, None))
    assert awaited(caller(), 30) == 413
    assert caller.asked == 51


def test_an_announced_length_is_refused_before_anything_is_read(started: tuple[TestClient, Service]) -> None:
    caller = Caller(started[1], iter(lambda: b"x", None), (b"content-length", b"500001"))
    assert awaited(caller(), 30) == 413
    assert caller.asked == 0


def test_a_body_in_pieces_is_one_picture(started: tuple[TestClient, Service]) -> None:
    data = one_face()
    caller = Caller(started[1], (data[i : i + 999] for i in range(0, len(data), 999)))
    assert awaited(caller(), 30) == 200
    assert len(json.loads(caller.sent[1]["body"])["results"][0]["faces"]) == 1


def test_whoever_hangs_up_frees_the_place_and_whoever_finds_none_is_told_when_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    with running(tmp_path, Limits(waiting=1)) as (_, service):
        checks = service.checks
        looked = checks._looked
        monkeypatch.setattr(checks, "_looked", lambda *of: (gate.wait(60), looked(*of))[1])

        async def story() -> None:
            busy = []
            for _ in range(checks._cores):  # every worker has one and waits at the gate
                busy.append(asyncio.create_task(Caller(service, iter([nobody()]))()))
                await until(lambda: checks._line._busy == len(busy))
            waits = Caller(service, iter([nobody()]))
            waiting = asyncio.create_task(waits())
            await until(lambda: len(checks._line) == 1)
            late = Caller(service, iter([nobody()]))
            assert await late() == 429
            assert int(dict(late.sent[0]["headers"])[b"retry-after"]) >= 1
            waits.hang_up.set()
            await waiting
            assert len(checks._line) == 0
            gate.set()
            assert await asyncio.gather(*busy) == [200] * len(busy)

        try:
            awaited(story(), 60)
        finally:
            gate.set()


def test_the_event_loop_goes_on_while_pictures_are_looked_at(
    started: tuple[TestClient, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, gate = started[1], threading.Event()
    looked = service.checks._looked
    monkeypatch.setattr(service.checks, "_looked", lambda *of: (gate.wait(60), looked(*of))[1])

    async def story() -> None:
        going = asyncio.create_task(Caller(service, iter([people(4)]))())
        await until(lambda: service.checks._line._busy == 1)
        gate.set()  # the loop has to turn for this, while the picture waits
        assert await going == 200

    awaited(story(), 60)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")
