"""A day of a clinic in a minute: the database is restarted, a camera dies, somebody is signed out, a backup is made.

Nobody hears of an event that is not kept, whatever went away comes back, nothing unexpected is in the log.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import func, select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from maskwise.serving.store import events
from maskwise.serving.store.backup import restore
from maskwise.serving.store.database import Database
from maskwise.serving.store.events import Wanted
from maskwise.serving.store.tables import VisitRow
from tests.conftest import REPOSITORY
from tests.end_to_end.served import Served
from tests.serving.cameras.footage import jpegs, repeated
from tests.serving.postgres import Server
from tests.stream.footage import mjpeg_camera, patiently

pytestmark = pytest.mark.slow

ADMIN = "mw_" + "a1" * 24
SIGNED_OUT = 1008
PICTURE = (REPOSITORY / "docs" / "images" / "demo.jpg").read_bytes()


class Page:
    """A page that looks on: the events it was told, pictures by stream, and why it was closed."""

    def __init__(self, address: str, token: str, streams: list[int]) -> None:
        self.events: dict[int, dict[str, Any]] = {}
        self.pictures: Counter[int] = Counter()
        self.closed: int | None = None
        self._show = json.dumps({"show": {str(number): {"width": 320, "blur": "all"} for number in streams}})
        self._thread = threading.Thread(target=self._look, args=(address, token), daemon=True)
        self._thread.start()

    def _look(self, address: str, token: str) -> None:
        url = f"ws{address.removeprefix('http')}v1/live/pictures"
        with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            socket.send(self._show)
            with contextlib.suppress(ConnectionClosed):
                while True:
                    self._hear(socket.recv())
            self.closed = socket.close_code

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            end = 4 + int.from_bytes(message[:4], "big")
            self.pictures[json.loads(message[4:end])["stream"]] += 1
            return
        said = json.loads(message)
        if said["type"] == "event":
            self.events[said["event"]["id"]] = said["event"]

    def end(self) -> None:
        self._thread.join(30)


class Street:
    """Cameras of the house, each a server of its own that can be switched off."""

    def __init__(self, films: list[list[bytes]]) -> None:
        self._films, self._ports = films, [0] * len(films)
        self._on: dict[int, contextlib.ExitStack] = {}
        self.addresses = [self.switch_on(number) for number in range(len(films))]

    def switch_on(self, number: int) -> str:
        stack = self._on[number] = contextlib.ExitStack()
        sends = partial(_film, self._films[number])
        address = stack.enter_context(mjpeg_camera(sends, port=self._ports[number]))
        self._ports[number] = urlsplit(address).port or 0
        return address

    def switch_off(self, number: int) -> None:
        self._on.pop(number).close()

    def close(self) -> None:
        for number in list(self._on):
            self.switch_off(number)


def _film(film: list[bytes], _call: int) -> Iterator[bytes | float]:
    return repeated(film)


@contextlib.contextmanager
def visitors(address: str) -> Iterator[Counter[int]]:
    """Somebody who has a picture checked now and then; how often which status was answered."""
    over, answers = threading.Event(), Counter[int]()

    def work() -> None:
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "image/jpeg"}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
            while not over.wait(0.5):
                answers[client.post("/v1/check", content=PICTURE).status_code] += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield answers
    over.set()
    thread.join(60)


class Day:
    """The service, who looks on, and what may happen to them."""

    def __init__(self, served: Served, street: Street, postgres: Server, url: str) -> None:
        self.served, self._street, self._postgres, self._url = served, street, postgres, url
        self.client = served.client
        self.streams = [self._added(number, address) for number, address in enumerate(street.addresses)]
        self.page = Page(served.address, ADMIN, self.streams)
        self.all_well()

    def _added(self, number: int, address: str) -> int:
        body = {"name": f"camera {number}", "source": address, "after_s": 0.2}
        answer = self.client.post("/v1/streams", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def stream(self, which: int) -> dict[str, Any]:
        return dict(self.client.get(f"/v1/streams/{self.streams[which]}").json())

    def all_well(self) -> None:
        """Every stream is shown and told of, and the service says that it is ready."""
        seen, heard = Counter(self.page.pictures), len(self.page.events)
        wait_for(lambda: self.client.get("/readyz").status_code == 200)
        wait_for(lambda: all(self.stream(i)["state"] == "connected" for i in range(len(self.streams))))
        wait_for(lambda: all(self.page.pictures[number] > seen[number] for number in self.streams))
        wait_for(lambda: len(self.page.events) > heard)

    def database_restarts(self) -> None:
        self._postgres.stop()
        try:
            wait_for(lambda: self.client.get("/readyz").status_code == 503)
            assert self.client.get("/healthz").status_code == 200
        finally:
            self._postgres.start()
        self.all_well()

    def camera_dies(self) -> None:
        self._street.switch_off(1)
        wait_for(lambda: self.stream(1)["state"] == "lost")
        self._street.switch_on(1)
        self.all_well()

    def somebody_pauses(self) -> None:
        path = f"/v1/streams/{self.streams[0]}"
        assert self.client.patch(path, json={"paused": True}).json()["state"] == "paused"
        assert self.client.get(f"{path}/still.jpg").status_code == 409
        assert self.client.patch(path, json={"paused": False}).status_code == 200
        self.all_well()

    def another_operating_point(self, name: str | None) -> None:
        assert self.client.patch("/v1/settings", json={"operating_point": name}).status_code == 200
        self.all_well()

    def somebody_is_signed_out(self) -> None:
        made = self.client.post("/v1/tokens", json={"name": "desk", "role": "viewer"}).json()
        page = Page(self.served.address, made["token"], self.streams)
        wait_for(lambda: bool(page.pictures))
        assert self.client.delete(f"/v1/tokens/{made['id']}").status_code == 204
        wait_for(lambda: page.closed is not None)
        assert page.closed == SIGNED_OUT
        self.all_well()

    def backup(self, path: Path) -> None:
        """One is made by another process, and holds what was told before it began."""
        told = dict(self.page.events)
        command = [sys.executable, "-m", "maskwise", "database", "backup", str(path)]
        subprocess.run([*command, "--folder", str(path.parent), "--database", self._url], check=True)
        copy = f"sqlite:///{path.with_suffix('.db')}"
        restore(copy, path)
        kept = kept_in(copy)
        assert {number: kept.get(number) for number in told} == told
        path.with_suffix(".db").unlink()
        self.all_well()


def wait_for(condition: Callable[[], bool]) -> None:
    assert patiently(condition, 60.0)


def kept_in(url: str) -> dict[int, dict[str, Any]]:
    with closing(Database(url)) as database:
        return {event["id"]: event for event in events.every(database, Wanted())}


def resident_kb(process: int) -> int:
    """Memory that it holds."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_a_day(postgres: Server, tmp_path: Path) -> None:
    live_through(postgres, tmp_path, rounds=1)


def live_through(postgres: Server, folder: Path, rounds: int) -> list[int]:
    """The whole of it, so often; the memory that the service held after each round, kB."""
    url, held = postgres.new_database(), list[int]()
    scenes = ("slips_under_nose", "leaves", "two_cross")
    street = Street([jpegs(scene, 4.0, seed=i) for i, scene in enumerate(scenes)])
    options = ("--allow-source", "127.0.0.1", "--database", url, "--cores", "1")
    with closing(street), Served(folder, *options, MASKWISE_TOKEN=ADMIN) as served:
        day = Day(served, street, postgres, url)
        with visitors(served.address) as answers:
            for number in range(rounds):
                day.database_restarts()
                day.camera_dies()
                day.somebody_pauses()
                day.another_operating_point("gate" if number % 2 == 0 else None)
                day.somebody_is_signed_out()
                day.backup(folder / f"backup-{number}.zip")
                held.append(resident_kb(served.process.pid))
        served.process.terminate()
        assert served.process.wait(60) == 0
        day.page.end()
    assert day.page.closed is not None
    assert answers.keys() <= {200, 503}
    assert answers[200] > 0
    _check_kept(url, day.page.events)
    _check_log(served.log)
    return held


def _check_kept(url: str, told: dict[int, dict[str, Any]]) -> None:
    """What was told is kept; and whoever came has gone, which is one visit each."""
    kept = kept_in(url)
    assert {number: kept.get(number) for number in told} == told
    kinds = Counter(event["kind"] for event in kept.values())
    with closing(Database(url)) as database, database.read() as session:
        visits = session.scalar(select(func.count()).select_from(VisitRow))
    assert kinds["appeared"] == kinds["left"] == visits


def _check_log(log: list[str]) -> None:
    """Every line is a message, and none tells of something nobody expected."""
    said = [json.loads(line) for line in log]
    assert [one for one in said if "error" in one] == []
    errors = {one["message"] for one in said if one["level"] == "error"}
    assert all("database" in message or message.endswith(" 503") for message in errors), errors
    assert ADMIN not in "".join(log)
