"""Apprise, with nothing said of an address: it may hold a password."""

from __future__ import annotations

import logging

from apprise import Apprise

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it writes addresses into the log that it cannot use


def kind_of(address: str) -> str:
    """What may be shown of an address: `json://…`."""
    scheme, there, _ = address.partition("://")
    return f"{scheme[:20]}://…" if there else "…"


def is_known(address: str) -> bool:
    """Whether it is one address that Apprise can send to; nothing is sent."""
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
        fits = bool(target.add(address)) and len(target) == 1
    except Exception:  # noqa: BLE001 - likewise
        return None
    return target if fits else None
