"""Events for machines: published to an MQTT broker, one topic for each stream and kind of event."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from maskwise.errors import ConfigError, DependencyError, InputError
from maskwise.stream.following.events import Event
from maskwise.stream.sources.names import public_name

try:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion
except ImportError as error:  # pragma: no cover - the tests have it
    raise DependencyError("MQTT needs the extra `video`: pip install 'maskwise[video]'") from error

PORTS = {"mqtt": 1883, "mqtts": 8883}
WAITING = 1_000
"""Messages kept while the broker is away; of more than that the oldest are lost."""


class Mqtt:
    """Publishes each event as JSON to PREFIX/STREAM/KIND; use it as a context.

    Delivered at least once while this program runs (quality of service 1): what is published while the broker is away
    goes out when it is back. `PREFIX/status` says `online`, and `offline` when this program ends or dies.
    """

    def __init__(
        self, address: str, on_trouble: Callable[[str], None] = lambda _: None, connect_s: float = 5.0
    ) -> None:
        """Connect.

        Args:
            address: mqtt://user:password@host:port/prefix, or mqtts for TLS; the prefix is `maskwise` if there is none.
            on_trouble: hears of a broker that goes away.
            connect_s: how long the broker may take to answer now.

        Raises:
            ConfigError: not such an address.
            InputError: nobody answers there, or refuses.
        """
        parts = urlsplit(address)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ConfigError(f"{public_name(address)}: expected mqtt://host/prefix or mqtts://host/prefix")
        self._name, self._on_trouble = public_name(address), on_trouble
        self._prefix = parts.path.strip("/") or "maskwise"
        self._refused = ""
        self._connected = threading.Event()
        client = self._client = Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(WAITING)
        client.reconnect_delay_set(1, 30)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.will_set(f"{self._prefix}/status", "offline", qos=1, retain=True)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password) if parts.password else None)
        if parts.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        try:
            client.connect(parts.hostname, parts.port or PORTS[parts.scheme])
        except (OSError, ValueError) as error:
            raise InputError(f"{self._name}: no MQTT broker answers: {error}") from error
        client.loop_start()
        if not self._connected.wait(connect_s):
            client.loop_stop()
            raise InputError(f"{self._name}: {self._refused or 'the MQTT broker does not answer'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, event: Event) -> None:
        """Publish it, now or when the broker is back; never waits."""
        topic = f"{self._prefix}/{topic_of(event.source)}/{event.kind}"
        self._client.publish(topic, json.dumps(event.to_json(), allow_nan=False), qos=1)

    def close(self, longest_s: float = 5.0) -> None:
        """Wait for what is on its way, say `offline`, and part."""
        last = self._client.publish(f"{self._prefix}/status", "offline", qos=1, retain=True)
        try:
            last.wait_for_publish(longest_s)
        except (RuntimeError, ValueError):
            self._on_trouble(f"{self._name}: the last messages could not be delivered")
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = f"the MQTT broker refuses: {reason}"
            return
        client.publish(f"{self._prefix}/status", "online", qos=1, retain=True)
        self._connected.set()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure and self._connected.is_set():
            self._on_trouble(f"{self._name}: the MQTT broker went away; messages wait for it")


def topic_of(source: str) -> str:
    """A stream's public name as one level of a topic: no slash, no wildcard, nothing that could break out."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", source).strip("_") or "stream"
