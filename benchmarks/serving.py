"""Servers in processes of their own, and a load generator; parts of the benchmarks of the service."""

from __future__ import annotations

import io
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from PIL import Image as Pillow

from maskwise.data.clips import crowd, film

SIZE_WH, FACES = (640, 480), 4
HEADER = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers.

    url: that pictures are posted to.
    pid: of its process.
    """

    url: str
    pid: int

    def load(self, picture: Path, clients: int, requests: int) -> Load:
        """Send it so many requests from so many clients, with hey or ab."""
        before = self._cpu_s()
        seen = load(self.url, picture, clients, requests)
        return replace(seen, cpu_ms=(self._cpu_s() - before) / requests * 1000)

    def memory_mb(self) -> float:
        """Of the process, resident."""
        return psutil.Process(self.pid).memory_info().rss / 1e6

    def _cpu_s(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw: requests a second, milliseconds, and how many were not answered 200.

    cpu_ms: processor time of the server for one request.
    """

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int
    cpu_ms: float = 0.0


def picture(people: int = FACES) -> bytes:
    """A JPEG of 640x480 with so many people in it."""
    frame, _ = next(iter(film(crowd(people, SIZE_WH), 1 / 30, 30.0, SIZE_WH)))
    buffer = io.BytesIO()
    Pillow.fromarray(frame.image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@contextmanager
def bare() -> Iterator[Server]:
    """The plain application of `bare_app`."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.bare_app", str(port)], f"http://127.0.0.1:{port}/docs") as pid:
        yield Server(f"http://127.0.0.1:{port}/check", pid)


@contextmanager
def ours() -> Iterator[Server]:
    """`maskwise serve`, with everything that it does as shipped; only that one caller may ask as often as it likes."""
    port = free_port()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        command = [sys.executable, "-m", "maskwise", "serve", "--port", str(port), "--folder", folder]
        command += ["--requests-per-minute", "1000000"]
        pid = stack.enter_context(_running(command, f"http://127.0.0.1:{port}/healthz"))
        yield Server(f"http://127.0.0.1:{port}/v1/check", pid)


def load(url: str, picture: Path, clients: int, requests: int) -> Load:
    """What hey sees, or ab."""
    requests = requests // clients * clients  # hey sends the same number from each client
    if shutil.which("hey"):
        command = ["hey", "-n", str(requests), "-c", str(clients), "-m", "POST", "-T", HEADER, "-t", "60"]
        return read_hey(_said([*command, "-D", str(picture), url]), requests)
    command = ["ab", "-q", "-k", "-s", "60", "-n", str(requests), "-c", str(clients), "-T", HEADER, "-p", str(picture)]
    return read_ab(_said([*command, url]))


def read_hey(said: str, sent: int) -> Load:
    """What hey prints; percentiles are there from 100 requests on."""
    late = {int(p): float(s) * 1000 for p, s in re.findall(r"(\d+)% in ([\d.]+) secs", said)}
    good = sum(int(count) for count in re.findall(r"\[200\]\s+(\d+) responses", said))
    return Load(_number(r"Requests/sec:\s+([\d.]+)", said), late[50], late[95], late[99], sent - good)


def read_ab(said: str) -> Load:
    """What ab prints."""
    late = {int(p): float(ms) for p, ms in re.findall(r"(\d+)%\s+(\d+)", said)}
    wrong = re.search(r"Non-2xx responses:\s+(\d+)", said)
    failed = int(_number(r"Failed requests:\s+(\d+)", said)) + (int(wrong[1]) if wrong else 0)
    return Load(_number(r"Requests per second:\s+([\d.]+)", said), late[50], late[95], late[99], failed)


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    if found is None:
        raise ValueError(f"the load generator did not say {pattern}:\n{said}")
    return float(found[1])


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def _running(command: Sequence[str], answers_at: str) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(answers_at, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until it answers 2xx or 3xx there."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - of this machine
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                raise RuntimeError(f"the server of {url} ended with {process.returncode}") from None
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")


def free_port() -> int:
    """One that nobody listens at just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
