"""Events at an MQTT broker, a real one that the tests start."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import threading
from collections.abc import Iterator

import pytest
from amqtt.broker import Broker
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from maskwise.errors import ConfigError, InputError
from maskwise.stream.following.events import Event
from maskwise.stream.outputs.mqtt import Mqtt, topic_of


class Running:
    """A broker in a thread of its own, which can be stopped and started again on the same port."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def begin() -> None:
            self._broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}}})
            await self._broker.start()
            ready.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.create_task(begin())
            self._loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def broker() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


@pytest.fixture
def heard(broker: Running) -> Iterator[queue.Queue[tuple[str, str]]]:
    """Whatever is published at the broker."""
    messages: queue.Queue[tuple[str, str]] = queue.Queue()
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _d, m: messages.put((m.topic, m.payload.decode()))
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("#", qos=1)
    assert ready.wait(10)
    yield messages
    client.disconnect()
    client.loop_stop()


def event(source: str = "rtsp://10.0.0.5/h264") -> Event:
    return Event("violated", source, 12.5, 3, "unmasked", seconds=3.0)


def test_events_arrive_as_json_under_stream_and_kind(broker: Running, heard: queue.Queue[tuple[str, str]]) -> None:
    with Mqtt(f"mqtt://127.0.0.1:{broker.port}/plant/line-2") as mqtt:
        mqtt.write(event())
    got = [heard.get(timeout=10) for _ in range(3)]
    assert got[0] == ("plant/line-2/status", "online")
    assert got[1][0] == "plant/line-2/rtsp_10.0.0.5_h264/violated"
    assert json.loads(got[1][1]) == event().to_json()
    assert got[2] == ("plant/line-2/status", "offline")


def test_nobody_there_is_one_line_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused at once, and nobody else's meanwhile
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"mqtt://127.0.0.1:{port}/x: no MQTT broker answers") as caught:
            Mqtt(f"mqtt://me:secret@127.0.0.1:{port}/x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://host", "host", "mqtt://", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="expected mqtt://"):
        Mqtt(address)


@pytest.mark.parametrize(
    ("source", "topic"), [("hall.mp4", "hall.mp4"), ("camera:0", "camera_0"), ("a/+/#", "a"), ("///", "stream")]
)
def test_a_name_cannot_break_out_of_its_topic(source: str, topic: str) -> None:
    assert topic_of(source) == topic
