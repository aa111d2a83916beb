"""A service that listens, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from maskwise.serving.app import create_app
from maskwise.serving.operating.listening import bound
from maskwise.serving.run import _Server
from maskwise.serving.service import Service

PATIENCE_S = 60.0


@contextmanager
def listening(parts: Service) -> Iterator[str]:
    """Its address, without the last slash."""
    ready = threading.Event()
    with bound("127.0.0.1", 0) as listener:
        server = _Server(create_app(parts), ready.set)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert ready.wait(PATIENCE_S)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop()
            thread.join()
