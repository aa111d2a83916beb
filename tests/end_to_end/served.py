"""`maskwise serve` as a process of its own, as an operator has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

READY = re.compile(r'maskwise is at (http://[^\s"]+)')


class Served:
    """A running service; a context, ended in good order.

    client: speaks to it.
    """

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        """Start it and wait until it says where it is."""
        command = [sys.executable, "-m", "maskwise", "serve", "--port", "0", "--folder", str(folder), *options]
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        self.log: list[str] = []
        self._ready = threading.Event()
        self.address = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ready.wait(60)
        if not self.address:
            self.process.kill()
            raise AssertionError("it did not start:\n" + "".join(self.log))
        token = environment.get("MASKWISE_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx2.Client(base_url=self.address, headers=headers, timeout=30)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            found = READY.search(line)
            if found:
                self.address = found[1]
                self._ready.set()
        self._ready.set()

    def kill(self) -> None:
        """As the machine would: no chance to close anything."""
        self.process.send_signal(signal.SIGKILL)
        self._over()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self._over()

    def _over(self) -> None:
        self.process.wait(30)
        self._reader.join(10)
        self.client.close()
        if self.process.stderr:
            self.process.stderr.close()
