"""Whom a request names as its host, and which page it comes from: a page of others must not reach the service.

A browser sends what any page asks for to any address it can reach, also to loopback; and a name of others can be made
to lead to this machine (DNS rebinding). An address in numbers cannot.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers

from maskwise.serving.guard.clients import is_loopback

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names by which the service may be called.

    names: besides those of loopback.
    any_number: every address in numbers, for a service that listens at all of its machine's.
    """

    names: frozenset[str]
    any_number: bool

    def __contains__(self, header: str) -> bool:
        """Whether a request with this `Host` is meant for the service."""
        found = _HOST.fullmatch(header)
        if not found:
            return False
        name = _bare(found["name"])
        return name == "localhost" or name in self.names or is_loopback(name) or (self.any_number and _is_number(name))


def hosts_of(bound: str, names: Iterable[str]) -> Hosts:
    """The names of a service.

    Args:
        bound: where it listens.
        names: what else it is called.
    """
    everywhere = bound in ("", "0.0.0.0", "::", "[::]")  # noqa: S104 - it is compared, nothing is bound
    return Hosts(frozenset(map(_bare, (bound, *names))), everywhere)


def is_foreign(headers: Headers) -> bool:
    """Whether a browser sent the request for a page of others: another host, another port, or none that has a name.

    What is no browser sends neither header, and needs no protection from pages.
    """
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    scheme, _, host = origin.lower().partition("://")
    theirs, ours = (_HOST.fullmatch(text) for text in (host, headers.get("host", "")))
    return theirs is None or ours is None or _with_port(theirs, scheme) != _with_port(ours, scheme)


def _with_port(host: re.Match[str], scheme: str) -> tuple[str, str | None]:
    return _bare(host["name"]), host["port"] or _PORTS.get(scheme)


def _bare(name: str) -> str:
    return name.lower().strip("[]").rstrip(".")


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
