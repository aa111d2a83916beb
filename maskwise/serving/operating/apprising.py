"""Apprise, with nothing said of an address, as it may hold a password, and nothing done on this machine.

Whoever may add an alarm may have this machine send messages, but neither read its files nor use its screen or log: some
of the services that Apprise knows are of the machine itself, and some take the path of a file, or an address that they
fetch, and send its content along.
"""

from __future__ import annotations

import logging
from typing import Any

from apprise import Apprise, AppriseAttachment
from apprise.plugins import url_to_dict
from apprise.utils.parse import parse_urls

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it writes addresses into the log that it cannot use

OF_THIS_MACHINE = frozenset(
    {"syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1", "vapid"}
)
"""Services of Apprise that are no network's; `vapid` keeps its keys in files."""

PATHS = ("keyfile", "subfile", "pgp_key", "pgp_privkey")
"""Arguments of services that name files."""


def kind_of(address: str) -> str:
    """What may be shown of an address: `json://…`."""
    scheme, there, _ = address.partition("://")
    return f"{scheme[:20]}://…" if there else "…"


def is_known(address: str) -> bool:
    """Whether it is one address that can be sent to; nothing is sent."""
    return _target(address) is not None


def send(address: str, title: str, body: str) -> bool:
    """Whether it was sent; takes as long as the target does, some ten seconds at most."""
    target = _target(address)
    if target is None:
        return False
    try:
        return bool(target.notify(title=title, body=body))
    except Exception:  # noqa: BLE001 - a plug-in of a target may raise whatever it likes
        return False


def _target(address: str) -> Apprise | None:
    target = Apprise()
    try:
        found = parse_urls(address)  # type: ignore[no-untyped-call]
        given = url_to_dict(found[0]) if len(found) == 1 else None  # type: ignore[no-untyped-call]
        if given is None or _is_of_this_machine(given) or not target.add(given) or _holds_a_file(target[0]):
            return None
    except Exception:  # noqa: BLE001 - likewise
        return None
    return target


def _is_of_this_machine(given: dict[str, Any]) -> bool:
    return given["schema"] in OF_THIS_MACHINE or any(given.get(name) for name in PATHS)


def _holds_a_file(service: Any) -> bool:
    """Something that would be read, or fetched, and sent along."""
    return any(isinstance(held, AppriseAttachment) and len(held) for held in vars(service).values())
