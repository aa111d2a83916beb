"""What the service manager of Linux is told: that the service answers, still lives, or is ending."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


def tell(state: str) -> None:
    """Tell it, if somebody listens: a message that is lost must not stop the service."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    address = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.settimeout(1.0)
            to.connect(address)
            to.sendall(state.encode())
    except OSError as error:
        log.warning("systemd was not told %s: %s", state, error)


def alive_every_s() -> float | None:
    """How often it wants to hear that the service lives: twice in the time after which it gives it up."""
    asked = os.environ.get("WATCHDOG_USEC", "")
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(asked) / 2e6 if asked.isdigit() and is_ours else None
