from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from maskwise.serving.guard.clients import Client, client_of
from maskwise.serving.settings import LOOPBACK


def scope(peer: str | None, headers: dict[str, str] | list[tuple[str, str]]) -> dict[str, Any]:
    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.encode(), value.encode()) for name, value in pairs]
    return {"type": "http", "client": (peer, 5) if peer else None, "headers": raw}


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize(
    ("peer", "headers", "behind_proxy", "expected"),
    [
        ("127.0.0.1", {}, False, Client("127.0.0.1", True, False)),
        ("::1", {}, False, Client("::1", True, False)),
        ("::ffff:127.0.0.1", {}, False, Client("::ffff:127.0.0.1", True, False)),
        ("10.0.0.7", {}, False, Client("10.0.0.7", False, False)),
        (None, {}, False, Client("", False, False)),
        # Without --behind-proxy nothing is believed; but who came through a proxy is not on this machine.
        ("127.0.0.1", {FOR: "203.0.113.4", PROTO: "https"}, False, Client("127.0.0.1", False, False)),
        ("127.0.0.1", {"forwarded": "for=203.0.113.4"}, False, Client("127.0.0.1", False, False)),
        ("127.0.0.1", {"x-real-ip": "203.0.113.4"}, False, Client("127.0.0.1", False, False)),
        ("10.0.0.7", {FOR: "127.0.0.1", PROTO: "https"}, False, Client("10.0.0.7", False, False)),
        # With it, a peer on this machine is; the last address is the proxy's own word.
        ("127.0.0.1", {FOR: "203.0.113.4", PROTO: "https"}, True, Client("203.0.113.4", False, True)),
        ("127.0.0.1", {FOR: "127.0.0.1, 203.0.113.4"}, True, Client("203.0.113.4", False, False)),
        ("127.0.0.1", {FOR: "127.0.0.1"}, True, Client("127.0.0.1", False, False)),
        ("127.0.0.1", {}, True, Client("127.0.0.1", False, False)),
        ("10.0.0.7", {FOR: "127.0.0.1", PROTO: "https"}, True, Client("10.0.0.7", False, False)),
    ],
)
def test_who_is_at_the_other_end(peer: str, headers: dict[str, str], behind_proxy: bool, expected: Client) -> None:
    assert client_of(scope(peer, headers), LOOPBACK if behind_proxy else ()) == expected


def test_a_proxy_that_adds_a_line_is_believed_and_not_who_sent_the_first() -> None:
    invented = [(FOR, "192.0.2.1"), (PROTO, "http"), (FOR, "203.0.113.4"), (PROTO, "https")]
    assert client_of(scope("127.0.0.1", invented), LOOPBACK) == Client("203.0.113.4", False, True)


@pytest.mark.parametrize(
    ("peer", "believed"),
    [("172.18.0.5", True), ("::ffff:172.18.0.5", True), ("172.19.0.5", False), ("127.0.0.1", False), ("fd00::9", True)],
)
def test_proxies_elsewhere(peer: str, believed: bool) -> None:
    proxies = [ipaddress.ip_network("172.18.0.0/16"), ipaddress.ip_network("fd00::9")]
    found = client_of(scope(peer, {FOR: "203.0.113.4", PROTO: "https"}), proxies)
    assert found == Client("203.0.113.4" if believed else peer, False, believed)
