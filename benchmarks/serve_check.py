"""`maskwise serve` against a bare FastAPI application: pictures a second and how long each takes, by callers at once.

The bare application is what one writes first: same models, same looks of the detector, sessions as they come, a `def`
handler. Both run in processes of their own and are loaded in turns, several rounds each, so that what else the machine
does meets both. Pictures are JPEG, 640x480, with four faces. `ratio` is the median over the rounds of our requests a
second by the bare application's in the same round. `cpu_ms` is the processor time that one request costs the server,
all cores together: what does not depend on who else uses the machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.serving import FACES, SIZE_WH, Load, bare, ours, picture
from benchmarks.table import Row

REQUESTS = {1: 100, 8: 200, 64: 256}
"""By clients, in each round."""

ROUNDS = 5


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Two rows for each number of clients."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, bare() as plain, ours() as full:
        sent = Path(folder) / "sent.jpg"
        sent.write_bytes(picture())
        for server in (plain, full):
            server.load(sent, 4, 100)
        for clients, requests in REQUESTS.items():
            loads: dict[str, list[Load]] = {"bare": [], "maskwise": []}
            for _ in range(rounds):
                for what, server in (("bare", plain), ("maskwise", full)):
                    loads[what].append(server.load(sent, clients, requests))
            ratios = [o.per_s / b.per_s for b, o in zip(loads["bare"], loads["maskwise"], strict=True)]
            shared: Row = {"clients": clients, "requests": requests * rounds}
            rows.append({"what": "bare", **shared, **_row(loads["bare"]), "ratio": 1.0})
            rows.append({"what": "maskwise", **shared, **_row(loads["maskwise"]), **_ratio(ratios)})
    return [{**row, "size": f"{SIZE_WH[0]}x{SIZE_WH[1]}", "faces": FACES} for row in rows]


def _ratio(ratios: list[float]) -> Row:
    return {"ratio": round(median(ratios), 2), "lowest": round(min(ratios), 2), "highest": round(max(ratios), 2)}


def _row(loads: list[Load]) -> Row:
    return {
        "per_s": round(median(one.per_s for one in loads), 1),
        "p50_ms": round(median(one.p50_ms for one in loads), 1),
        "p95_ms": round(median(one.p95_ms for one in loads), 1),
        "p99_ms": round(median(one.p99_ms for one in loads), 1),
        "cpu_ms": round(median(one.cpu_ms for one in loads), 1),
        "failed": sum(one.failed for one in loads),
    }
