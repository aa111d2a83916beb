"""Who is at the other end of a connection, as far as that can be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from maskwise.serving.settings import Network

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""Headers that only a request which came through a proxy has."""


@dataclass(frozen=True, slots=True)
class Client:
    """The other end.

    address: of the network; empty where it is none.
    is_local: it is on this machine, and nothing says that it asks for somebody else.
    is_secure: what it sent went through TLS all the way from whom it is for.
    """

    address: str
    is_local: bool
    is_secure: bool


def client_of(scope: Scope, proxies: Sequence[Network]) -> Client:
    """Who asks.

    Args:
        scope: of the request.
        proxies: what they say of whom they ask for is believed. The last address is taken: the proxy itself added it,
            and those before it could be anybody's invention.
    """
    headers, peer = Headers(scope=scope), (scope.get("client") or ("", 0))[0]
    if not is_within(peer, proxies):
        is_for_another = any(name in headers for name in OF_PROXIES)
        return Client(peer, is_loopback(peer) and not is_for_another, is_secure=False)
    address = _last(headers, "x-forwarded-for") or peer
    # A proxy on this machine may forget to say for whom it asks: then nobody counts as being on this machine.
    return Client(address, is_local=False, is_secure=_last(headers, "x-forwarded-proto").lower() == "https")


def ip_of(address: str) -> Ip | None:
    """An address of the network, if it is one; one of IPv4 that came in by a socket of IPv6 is itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(address: str) -> bool:
    """Whether an address of the network is this machine itself."""
    found = ip_of(address)
    return found is not None and found.is_loopback


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address of the network belongs to one of these."""
    found = ip_of(address) if networks else None
    return found is not None and any(found in network for network in networks if network.version == found.version)


def _last(headers: Headers, name: str) -> str:
    """What the proxy added: some of them add a line of their own below the one that came."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()
