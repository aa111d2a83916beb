"""`maskwise serve` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0
"""On a busy machine a model takes its time to load; nothing is claimed of how long."""

_ADDRESS = re.compile(r"maskwise is at (http://\S+)/")


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers.

    process: of it. url: without the last slash. said: where its stderr goes.
    """

    process: subprocess.Popen[bytes]
    url: str
    said: Path

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def command(folder: Path, *options: str) -> list[str]:
    """What starts a service at a free port."""
    return [sys.executable, "-m", "maskwise", "serve", "--folder", str(folder), "--cores", "1", "--port", "0", *options]


def environment(**more: str) -> dict[str, str]:
    """Of a process: none of the variables that a service reads but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MASKWISE_")}
    return {**kept, **more}


@contextmanager
def served(folder: Path, *options: str, **variables: str) -> Iterator[Served]:
    """A service, from its ready line on; ended at the end if it still is there."""
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / "stderr.txt"
    with said.open("wb") as to:
        process = subprocess.Popen(command(folder, *options), stderr=to, env=environment(**variables))
    try:
        yield Served(process, _ready(process, said), said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)


def _ready(process: subprocess.Popen[bytes], said: Path) -> str:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and process.poll() is None:
        found = _ADDRESS.search(said.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"no ready line: {said.read_text()}")
