"""The service is killed in the middle of its work: whatever it has said to anybody is there when it is back."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterator, Sized
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.served import Served
from tests.serving.cameras.footage import jpegs, repeated
from tests.stream.footage import mjpeg_camera

pytestmark = pytest.mark.slow

ROUNDS = 4
PICTURE = (REPOSITORY / "docs" / "images" / "demo.jpg").read_bytes()


class Listener:
    """Keeps the numbers of the events that the service tells."""

    def __init__(self, address: str) -> None:
        self.heard: dict[int, dict[str, Any]] = {}
        self._thread = threading.Thread(target=self._listen, args=(address,), daemon=True)
        self._thread.start()

    def _listen(self, address: str) -> None:
        with contextlib.suppress(httpx2.HTTPError), httpx2.stream("GET", f"{address}v1/live", timeout=60) as answer:
            kind = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind == "event":
                    event = json.loads(line.removeprefix("data: "))
                    self.heard[event["id"]] = event

    def end(self) -> None:
        self._thread.join(20)


@contextlib.contextmanager
def told() -> Iterator[tuple[str, list[str]]]:
    """Somebody who is told of alarms; the address as Apprise has it, and what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/", came
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def load(address: str, clients: int = 3) -> Iterator[list[int]]:
    """Clients that have pictures checked all the time; the answers' status, one by one."""
    over, answers = threading.Event(), list[int]()

    def work() -> None:
        with httpx2.Client(base_url=address, timeout=30) as client:
            while not over.is_set():
                with contextlib.suppress(httpx2.HTTPError):
                    headers = {"Content-Type": "image/jpeg"}
                    answers.append(client.post("/v1/check", content=PICTURE, headers=headers).status_code)
                    continue
                return

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    yield answers
    over.set()
    for thread in threads:
        thread.join(30)


def until(things: Sized, count: int) -> None:
    """Wait for so many."""
    for _ in range(1200):
        if len(things) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"only {len(things)} of {count} in a minute")


def kept(client: httpx2.Client) -> dict[int, dict[str, Any]]:
    """Every event that the service remembers."""
    events: dict[int, dict[str, Any]] = {}
    after = ""
    while True:
        page = client.get("/v1/events", params={"limit": 1000, **({"after": after} if after else {})}).json()
        events |= {event["id"]: event for event in page["events"]}
        after = page["next"]
        if not after:
            return events


def _again(film: list[bytes], _call: int) -> Iterator[bytes | float]:
    return repeated(film)


def test_no_event_that_was_told_is_lost(database_url: str, tmp_path: Path) -> None:
    """Killed again and again under load: every event that a listener heard is there after the restart, unchanged."""
    chance = random.Random(3)
    films = [jpegs("leaves", 4.0, seed=1), jpegs("two_cross", 4.0, seed=2)]
    options = ("--allow-source", "127.0.0.1", "--database", database_url, "--cores", "1")
    heard: dict[int, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        cameras = [stack.enter_context(mjpeg_camera(partial(_again, film))) for film in films]
        target, messages = stack.enter_context(told())
        for turn in range(ROUNDS):
            served = Served(tmp_path, *options)
            stack.callback(served.process.kill)  # if the test fails before it does
            if turn == 0:
                for number, camera in enumerate(cameras):
                    how = {"name": f"camera {number}", "source": camera, "after_s": 0.2}
                    assert served.client.post("/v1/streams", json=how).status_code == 201
                alarm = {"name": "desk", "address": target, "kinds": ["violated"]}
                assert served.client.post("/v1/alarms", json=alarm).status_code == 201
                assert served.client.patch("/v1/settings", json={"pause_s": 0}).status_code == 200
            there = kept(served.client)
            assert {number: there.get(number) for number in heard} == heard
            listener = Listener(served.address)
            with load(served.address) as answers:
                until(listener.heard, 3)
                until(answers, 5)
                time.sleep(chance.uniform(0.0, 1.5))
                served.kill()
            listener.end()
            assert not set(listener.heard) & set(heard), "a number was given twice"
            heard |= listener.heard
            assert set(answers) <= {200, 429}
        with Served(tmp_path, *options) as served:
            there = kept(served.client)
            assert {number: there.get(number) for number in heard} == heard
            alarms = [event for event in there.values() if event["kind"] == "violated"]
            assert alarms
            until(messages, len(alarms))
    if database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
