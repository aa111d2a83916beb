from __future__ import annotations

import contextlib
import io
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import httpx2
import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image as Pillow
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from maskwise.serving.api import live
from maskwise.serving.app import create_app
from maskwise.serving.cameras.how import How
from maskwise.serving.guard.callers import Caller, Viewer
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Settings
from maskwise.serving.store.moments import iso
from tests.serving.cameras.footage import jpegs, repeated
from tests.stream.footage import mjpeg_camera, patiently


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two cameras that never end, and a person who comes and goes in each."""
    faces = jpegs("slips_under_nose", 3.0, seed=2)
    with (
        mjpeg_camera(lambda _: repeated(faces)) as one,
        mjpeg_camera(lambda _: repeated(faces)) as two,
        opened(Settings(tmp_path_factory.mktemp("service"), sources=("127.0.0.1",))) as service,
    ):
        numbers = [service.cameras.add(name, source, How(after_s=0.3)) for name, source in (("a", one), ("b", two))]
        assert numbers == [1, 2]
        assert patiently(lambda: all(service.cameras.board.look(number) for number in numbers))
        yield service


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """The service behind a real server; its host and port."""
    server = uvicorn.Server(uvicorn.Config(create_app(service), "127.0.0.1", 0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert patiently(lambda: server.started)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def at(service: Service) -> Iterator[str]:
    with listening(service) as at:
        yield at


Told = tuple[str, Any]


def told(lines: Iterator[str]) -> Iterator[Told]:
    """Server-Sent Events by the letter of the standard, as far as it is used here."""
    kind, data = "message", []
    for line in lines:
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif line.startswith(":"):
            yield "comment", line[1:].strip()
        elif not line:
            if data:
                yield kind, json.loads("\n".join(data))
            kind, data = "message", []


@contextmanager
def following(at: str, query: str = "") -> Iterator[Iterator[Told]]:
    with httpx2.stream("GET", f"http://{at}/v1/live{query}", timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield told(answer.iter_lines())


def until(news: Iterator[Told], *kinds: str) -> dict[str, Any]:
    """The first of each kind."""
    found: dict[str, Any] = {}
    for kind, data in itertools.islice(news, 2000):
        found.setdefault(kind, data)
        if set(kinds) <= found.keys():
            return found
    raise AssertionError(found.keys())


def test_looks_events_and_streams_are_told_as_they_happen(service: Service, at: str) -> None:
    with following(at) as news:
        assert [next(news)[1]["id"] for _ in range(2)] == [1, 2]
        found = until(news, "look", "event")
        look, event = found["look"], found["event"]
        assert look["stream"] in (1, 2)
        assert look["at"].endswith("Z")
        assert look["result"]["width"] == 320
        assert set(look["now"]["people"]) == {"masked", "incorrect", "unmasked", "uncertain"}
        assert event["stream"] in ("a", "b")
        before = service.cameras.board.stream(2)["name"]
        service.cameras.change(2, name="renamed")
        assert until(news, "stream")["stream"]["name"] == "renamed"
        service.cameras.change(2, name=before)


def test_of_one_stream_only(at: str) -> None:
    with following(at, "?stream=2") as news:
        some = [next(news) for _ in range(30)]
    assert {data.get("stream_id", data.get("stream", data.get("id"))) for _, data in some} == {2}


@pytest.mark.parametrize(("query", "status"), [("stream=99", 404), ("stream=0", 422), (f"stream={2**63}", 422)])
def test_of_a_stream_that_is_not_there(at: str, query: str, status: int) -> None:
    assert httpx2.get(f"http://{at}/v1/live?{query}").status_code == status


def test_silence_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    with opened(Settings(tmp_path)) as quiet, listening(quiet) as at, following(at) as news:
        assert [next(news)[0] for _ in range(4)] == ["comment"] * 4
        quiet.cameras.hang_up()


def test_connections_are_kept_for_so_long_and_no_longer(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_S", 0.3)
    with following(at) as news:
        assert len(list(news)) > 0
    with connect(f"ws://{at}/v1/live/pictures") as page:
        assert list(page)


def test_the_server_ends_while_pages_look_on(tmp_path: Path) -> None:
    with opened(Settings(tmp_path)) as quiet, listening(quiet) as at:
        with following(at) as news, connect(f"ws://{at}/v1/live/pictures") as page:
            next(news)
            quiet.cameras.hang_up()
            assert list(news) == []
            list(page)
            assert page.close_code == 1001
        with following(at) as news:  # whoever comes later
            assert all(kind == "comment" for kind, _ in news)


def test_many_look_on_and_the_service_answers(service: Service, at: str) -> None:
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(following(at)) for _ in range(20)]
        for news in pages:
            until(news, "stream", "look")
        assert httpx2.get(f"http://{at}/v1/streams").status_code == 200
    assert patiently(lambda: len(service.cameras.board._subscribers) == 0)


Picture = tuple[dict[str, Any], Any]


def taken_apart(content: bytes) -> Picture:
    length = int.from_bytes(content[:4], "big")
    return json.loads(content[4 : 4 + length]), Pillow.open(io.BytesIO(content[4 + length :]))


def pictures(page: Connection, show: dict[str, Any]) -> Iterator[Picture]:
    page.send(json.dumps({"show": show}))
    for content in page:
        if isinstance(content, bytes):
            yield taken_apart(content)


def test_pictures_of_what_is_shown(at: str) -> None:
    with connect(f"ws://{at}/v1/live/pictures") as page:
        first = [json.loads(page.recv()) for _ in range(2)]
        assert [(one["type"], one["stream"]["id"]) for one in first] == [("stream", 1), ("stream", 2)]
        some = list(itertools.islice(pictures(page, {"1": {"width": 200}, "2": {"width": 320}, "77": {}}), 8))
        assert {(head["stream"], picture.size) for head, picture in some} == {(1, (160, 120)), (2, (320, 240))}
        assert all((head["width"], head["height"]) == (320, 240) for head, _ in some)
        moments = [head["at"] for head, _ in some if head["stream"] == 1]
        assert moments == sorted(set(moments))
        people = next(head["people"] for head, _ in pictures(page, {"1": {}}) if head["people"])
        assert people[0].keys() == {"number", "verdict", "confidence", "box_xyxy"}
        assert len(people[0]["box_xyxy"]) == 4
        only_two = pictures(page, {"2": {}})
        assert any(head["stream"] == 2 for head, _ in itertools.islice(only_two, 3))
        assert {head["stream"] for head, _ in itertools.islice(only_two, 3)} == {2}


def test_events_and_states_are_told_beside_the_pictures(service: Service, at: str) -> None:
    with connect(f"ws://{at}/v1/live/pictures") as page:
        said = (json.loads(text) for text in page if isinstance(text, str))
        assert next(one for one in said if one["type"] == "event")["event"]["id"] > 0
        number = service.cameras.add("short", "rtsp://192.0.2.1/x", How())
        assert next(one for one in said if one["type"] == "stream" and one["stream"]["id"] == number)
        service.cameras.remove(number)
        assert next(one for one in said if one["type"] == "gone")["stream"] == number


def detail(head: dict[str, Any], picture: Any) -> float:
    x0, y0, x1, y1 = (int(v) for v in head["people"][0]["box_xyxy"])
    return float(np.abs(np.diff(np.asarray(picture.convert("L"), int)[y0:y1, x0:x1], axis=1)).mean())


@pytest.mark.parametrize(
    ("role", "asked", "hidden"),
    [("viewer", "none", True), ("operator", "none", False), ("operator", "all", True), ("operator", None, True)],
)
def test_faces_are_hidden_before_they_leave(service: Service, role: Any, asked: str | None, hidden: bool) -> None:
    app = create_app(service)
    app.dependency_overrides[get_args(Viewer)[1].dependency] = lambda: Caller("somebody", role)
    wanted = {"width": 320} if asked is None else {"width": 320, "blur": asked}
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000)).websocket_connect(
        "ws://127.0.0.1/v1/live/pictures"
    ) as page:
        page.send_text(json.dumps({"show": {"1": wanted}}))
        contents = (message["bytes"] for message in iter(page.receive, None) if message.get("bytes"))
        head, picture = next(one for one in map(taken_apart, contents) if one[0]["people"])
    assert (detail(head, picture) < 3) is hidden


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "3", '{"shown": {}}', '{"show": []}', '{"show": {"x": {}}}', '{"show": {"1": 3}}',
        '{"show": {"1": {"width": 0}}}', '{"show": {"1": {"width": 1e999}}}', '{"show": {"1": {"width": "640"}}}',
        '{"show": {"1": {"blur": "some"}}}', '{"show": {"1": {"height": 1}}}', '{"show": {"-1": {}}}',
        '{"show": {"' + "9" * 30 + '": {}}}', '{"got": -1}', '{"got": 1.5}', '{"got": true}', '{"got": 100000}',
        "[" * 15000, "x" * 30000, json.dumps({"show": {str(i): {} for i in range(65)}}),
    ],
)  # fmt: skip
def test_what_is_not_understood_ends_the_connection_in_words(service: Service, text: str) -> None:
    client = TestClient(create_app(service), base_url="http://127.0.0.1", client=("127.0.0.1", 50000))
    with client.websocket_connect("ws://127.0.0.1/v1/live/pictures") as page:
        page.send_text(text)
        with pytest.raises(WebSocketDisconnect) as caught:
            [page.receive_text() for _ in range(1000)]
    assert caught.value.code == 1008
    assert caught.value.reason


def test_a_page_that_is_slow_misses_pictures_and_gets_no_late_ones(service: Service, at: str) -> None:
    """It says what it has got: while it takes none, only a few are on their way to it, and then come the newest."""
    with connect(f"ws://{at}/v1/live/pictures", max_queue=None) as page:
        page.send(json.dumps({"show": {"1": {"width": 320}}, "got": 0}))
        got = 0

        def taken() -> dict[str, Any]:
            while isinstance(content := page.recv(timeout=10), str):
                pass
            return taken_apart(content)[0]

        for _ in range(5):
            before = taken()
            got += 1
            page.send(json.dumps({"got": got}))
        began = service.cameras.board.look(1)
        assert began is not None
        assert patiently(lambda: service.cameras.board.look(1).number > began.number + 40)  # type: ignore[union-attr]
        now = iso(time.time() - 1.0)
        waiting = []
        while True:  # all that came meanwhile
            head = taken()
            got += 1
            waiting.append(head["at"])
            page.send(json.dumps({"got": got}))
            if head["at"] > now:
                break
        assert len([moment for moment in waiting if before["at"] < moment <= now]) <= 4


def test_too_many_pages_are_sent_away(service: Service, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.serving.cameras.board.MOST_SUBSCRIBERS", 1)
    assert patiently(lambda: len(service.cameras.board._subscribers) == 0)
    with following(at) as news:
        next(news)
        answer = httpx2.get(f"http://{at}/v1/live")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        with connect(f"ws://{at}/v1/live/pictures") as page, pytest.raises(ConnectionClosedError, match="1013"):
            page.recv()
