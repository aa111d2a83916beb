"""`maskwise serve` under 50,000 requests: every one answered 200, and the memory it ends with.

Pictures are JPEG, 640x480, with one face, from eight clients. `growth` is of the resident memory since the first row.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.serving import ours, picture
from benchmarks.table import Row

REQUESTS, STEP, CLIENTS = 50_000, 5_000, 8


def measure(requests: int = REQUESTS, step: int = STEP) -> list[Row]:
    """A row after every step."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, ours() as server:
        sent = Path(folder) / "sent.jpg"
        sent.write_bytes(picture(1))
        for done in range(step, requests + 1, step):
            seen = server.load(sent, CLIENTS, step)
            memory = server.memory_mb()
            first = rows[0]["memory_mb"] if rows else memory
            rows.append(
                {
                    "requests": done,
                    "failed": seen.failed,
                    "memory_mb": round(memory, 1),
                    "growth": round(memory / first - 1, 3),
                    "per_s": round(seen.per_s, 1),
                    "p99_ms": round(seen.p99_ms, 1),
                }
            )
    return rows
