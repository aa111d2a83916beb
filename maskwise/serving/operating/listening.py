"""The socket: taken before anything is loaded, so that a port in use is known at once."""

from __future__ import annotations

import os
import socket

from maskwise.errors import ConfigError


def bound(host: str, port: int) -> socket.socket:
    """A socket that has its address, and does not answer yet.

    Raises:
        ConfigError: no such address here, or it is in use.
    """
    host = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"--host {host}: {error.strerror or error}") from error
    try:
        if os.name == "posix":  # elsewhere it would allow two services at one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen at {host} port {port}: {error.strerror or error}; try --port 0") from error
    return listener


def address_of(host: str, listener: socket.socket) -> str:
    """What to type into a browser."""
    bare = host.strip("[]")
    return f"http://{f'[{bare}]' if ':' in bare else bare}:{listener.getsockname()[1]}/"
