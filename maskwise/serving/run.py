"""The process: it listens, and ends in good order."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import cast

import uvicorn

from maskwise import __version__
from maskwise.serving.app import App, create_app
from maskwise.serving.guard import access
from maskwise.serving.operating import systemd
from maskwise.serving.operating.connections import Connection, SocketConnection
from maskwise.serving.operating.ending import signals
from maskwise.serving.operating.listening import address_of, bound
from maskwise.serving.service import opened
from maskwise.serving.settings import Settings
from maskwise.serving.store.folder import folder_of

PATIENCE_S = 10
"""How long requests that are being answered are waited for at the end."""

LARGEST_TEXT = 65_536
"""Bytes of one message that a WebSocket may bring."""


def run(settings: Settings, say: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> None:
    """Serve until asked to end: by SIGTERM or Ctrl-C, the second time at once.

    Args:
        settings: of the service.
        say: is told the address, once it answers.
        environment: where the token of an admin may be.

    Raises:
        ConfigError: the address is in use, or others can reach the service and it has no token.
        StorageError, ArtifactError: as of `opened`.
    """
    with signals() as ending, bound(settings.host, settings.port) as listener:
        folder_of(settings)
        access.prepare(settings, environment.get(access.VARIABLE))
        with opened(settings) as service:
            server = _Server(create_app(service), lambda: say(f"maskwise is at {address_of(settings.host, listener)}"))
            ending.stop = server.stop
            service.audit.add("service started", {"by": "maskwise", "version": __version__})
            server.run([listener])
            service.audit.add("service stopped", {"by": "maskwise"})


class _Server(uvicorn.Server):
    """uvicorn, but signals are heard elsewhere, and streams of events end with the service."""

    def __init__(self, app: App, ready: Callable[[], None]) -> None:
        super().__init__(_config(app))
        self._service_app, self._say_ready = app, ready

    def stop(self) -> None:
        """End in good order; may be called from a signal."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them as they are: uvicorn would end the process before the parts are closed."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        systemd.tell(systemd.READY)
        self._say_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing more, answer what is there, for so long as it may take."""
        systemd.tell(systemd.STOPPING)
        if self._service_app.endless is not None:
            self._service_app.endless.end()
        await super().shutdown(sockets)


def _config(app: App) -> uvicorn.Config:
    every_s, proxies = systemd.alive_every_s(), app.state.service.settings.believed
    return uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], partial(Connection, proxies=proxies)),
        ws=SocketConnection,
        ws_max_size=LARGEST_TEXT,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe is decided by the guard
        timeout_graceful_shutdown=PATIENCE_S,
        callback_notify=_alive if every_s else None,
        timeout_notify=max(1, int(every_s or 30)),
    )


async def _alive() -> None:
    systemd.tell(systemd.ALIVE)
