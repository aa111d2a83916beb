"""Who is at the other end of a connection, as far as that can be believed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via")
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


def client_of(scope: Scope, *, behind_proxy: bool) -> Client:
    """Who asks.

    Args:
        scope: of the request.
        behind_proxy: what a peer on this machine says of whom it asks for is believed. The last address is taken: the
            proxy itself added it, and those before it could be anybody's invention.
    """
    headers, peer = Headers(scope=scope), (scope.get("client") or ("", 0))[0]
    is_here = is_loopback(peer)
    is_for_another = any(name in headers for name in OF_PROXIES)
    if not (behind_proxy and is_here):
        return Client(peer, is_here and not is_for_another, is_secure=False)
    address = _last(headers.get("x-forwarded-for")) or peer
    # A proxy on this machine may forget to say for whom it asks: then nobody counts as being on this machine.
    return Client(address, is_local=False, is_secure=_last(headers.get("x-forwarded-proto")).lower() == "https")


def is_loopback(address: str) -> bool:
    """Whether an address of the network is this machine itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def _last(listed: str | None) -> str:
    return (listed or "").rpartition(",")[2].strip()
