"""`maskwise serve`: seconds from its start until it can work, the first time and after `kill -9`.

Three streams are set up, of a film each, so that the second start has something to take up again. `cpu_s` is the
processor time that the process has used by then.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

import psutil

from benchmarks.serving import SIZE_WH, free_port, wait_for
from benchmarks.table import Row
from maskwise.data.clips import crowd, film
from maskwise.stream.outputs.mp4 import Mp4

ROUNDS, STREAMS = 5, 3


def measure(rounds: int = ROUNDS) -> list[Row]:
    """A row for the first start and one for those after a kill."""
    seen: dict[str, list[tuple[float, float]]] = {"first start": [], "after kill -9": []}
    with tempfile.TemporaryDirectory() as name:
        media = Path(name) / "hall.mp4"
        with Mp4(media, 30.0) as out:
            for frame, _ in film(crowd(2, SIZE_WH), 20.0, 30.0, SIZE_WH):
                out.write(frame.image, frame.time_s or 0.0)
        for number in range(rounds):
            folder = Path(name) / str(number)
            for what in seen:
                seen[what].append(_started(folder, media, is_first=what == "first start"))
    return [
        {
            "what": what,
            "n": len(found),
            "median_s": round(median(wall for wall, _ in found), 2),
            "longest_s": round(max(wall for wall, _ in found), 2),
            "cpu_s": round(median(cpu for _, cpu in found), 2),
        }
        for what, found in seen.items()
    ]


def _started(folder: Path, media: Path, *, is_first: bool) -> tuple[float, float]:
    """Start it, wait until it is ready, and kill it; wall and processor seconds until it was ready."""
    port = free_port()
    command = [sys.executable, "-m", "maskwise", "serve", "--port", str(port), "--folder", str(folder)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--media", str(media.parent)], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        took = time.perf_counter() - began
        times = psutil.Process(process.pid).cpu_times()
        for number in range(STREAMS if is_first else 0):
            stream = json.dumps({"name": f"hall {number}", "source": str(media)}).encode()
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/streams", stream, {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(asked).close()  # noqa: S310 - of this machine
        time.sleep(2.0)  # in the middle of its work
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return took, times.user + times.system
