"""Alarms, against a web server that takes them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import time as at
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from maskwise.errors import ConfigError
from maskwise.stream.following.events import Event
from maskwise.stream.outputs.alerts import WAITING, Alerting, Alerts, message


class Receiver(BaseHTTPRequestHandler):
    got: list[dict[str, str]] = []  # noqa: RUF012 - one for each server, see below
    pause_s = 0.0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.pause_s)
        self.got.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Own", (Receiver,), {"got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/alarm", handler
    server.shutdown()
    server.server_close()


def violated(source: str = "door", seconds: float = 3.2) -> Event:
    return Event("violated", source, 3_723.4, 7, "unmasked", zones=("entrance",), seconds=seconds)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12)

    def __call__(self) -> datetime:
        return self.now


def test_a_message_says_who_what_where_and_when(receiver: tuple[str, type[Receiver]]) -> None:
    address, handler = receiver
    with Alerts([address]) as alerts:
        alerts.write(violated())
        alerts.write(Event("appeared", "door", 1.0, 8, "uncertain"))
    assert [(m["title"], m["message"]) for m in handler.got] == [
        ("maskwise: door", "person 7 violated: unmasked for 3 s in entrance, 1:02:03 into the stream")
    ]


def test_not_too_often_and_what_was_held_back_is_counted(receiver: tuple[str, type[Receiver]]) -> None:
    address, handler = receiver
    clock = Clock()
    with Alerts([address], Alerting(pause_s=60), clock=clock) as alerts:
        for _ in range(5):
            alerts.write(violated())
            clock.now += timedelta(seconds=10)
        alerts.write(violated("hall"))
        clock.now += timedelta(seconds=60)
        alerts.write(violated())
    assert [m["title"] for m in handler.got] == ["maskwise: door", "maskwise: hall", "maskwise: door"]
    assert handler.got[2]["message"].endswith("4 more since the last message")


@pytest.mark.parametrize(
    ("quiet", "hour", "sent"),
    [
        ((at(22), at(6)), 23, 0),
        ((at(22), at(6)), 5, 0),
        ((at(22), at(6)), 6, 1),
        ((at(12), at(13)), 12, 0),
        (None, 3, 1),
    ],
)
def test_nothing_in_quiet_hours(
    receiver: tuple[str, type[Receiver]], quiet: tuple[at, at] | None, hour: int, sent: int
) -> None:
    address, handler = receiver
    clock = Clock()
    clock.now = clock.now.replace(hour=hour)
    with Alerts([address], Alerting(quiet=quiet), clock=clock) as alerts:
        alerts.write(violated())
    assert len(handler.got) == sent


def test_a_slow_target_holds_nobody_up(receiver: tuple[str, type[Receiver]]) -> None:
    address, handler = receiver
    handler.pause_s = 0.5
    trouble: list[str] = []
    began = time.monotonic()
    alerts = Alerts([address], Alerting(pause_s=0), trouble.append)
    for _ in range(WAITING + 20):
        alerts.write(violated())
    assert time.monotonic() - began < 0.4
    assert len(trouble) >= 15
    alerts.close(longest_s=0.1)


def test_a_target_that_is_not_there_is_told_without_its_address() -> None:
    trouble: list[str] = []
    with Alerts(["json://user:secret@127.0.0.1:9/x"], on_trouble=trouble.append) as alerts:
        alerts.write(violated())
    assert trouble == ["an alarm could not be sent to every target"]


@pytest.mark.parametrize("target", ["nonsense", "pigeon://user:secret@roof"])
def test_an_address_that_is_none_is_not_repeated(target: str) -> None:
    with pytest.raises(ConfigError, match="alarm target 1") as caught:
        Alerts([target])
    assert "secret" not in str(caught.value)


def test_wrong_rules() -> None:
    with pytest.raises(ConfigError, match="'screamed' is not one of"):
        Alerting(kinds=("screamed",))
    with pytest.raises(ConfigError, match="pause_s"):
        Alerting(pause_s=-1)


def test_a_message_never_names_what_could_tell_who_it_is() -> None:
    assert message(violated(), 2).splitlines()[1] == "2 more since the last message"
