"""Taking in 10,000 pictures: every file hashed and decoded, then the same again from the cache of facts.

Reference in the same run: one worker without a cache. Needs the development pictures, copied with bytes appended so
that each is a content of its own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.table import Row
from maskwise.data.reading import read_facts

PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "chandrika"
COUNT = 10_000


def measure() -> list[Row]:
    """One row for each way of reading."""
    if not PICTURES.is_dir():
        return [{"skipped": "no development pictures"}]
    with tempfile.TemporaryDirectory() as folder:
        paths = _copies(Path(folder) / "pictures")
        cache = Path(folder) / "cache"
        ways: dict[str, Callable[[], object]] = {
            "one worker, no cache": partial(read_facts, paths, cache=None, workers=1),
            "all cores, no cache": partial(read_facts, paths, cache=None),
            "all cores, first run with cache": partial(read_facts, paths, cache=cache),
            "all cores, second run from cache": partial(read_facts, paths, cache=cache),
        }
        seconds = {way: _seconds(work) for way, work in ways.items()}
    reference = seconds["one worker, no cache"]
    return [
        {"way": way, "pictures": COUNT, "seconds": round(s, 2), "ratio_to_one_worker": round(reference / s, 2)}
        for way, s in seconds.items()
    ]


def _copies(folder: Path) -> list[Path]:
    folder.mkdir()
    originals = sorted(p for p in PICTURES.rglob("*") if p.is_file())
    paths = []
    for i in range(COUNT):
        path = folder / f"{i:05d}.jpg"
        path.write_bytes(originals[i % len(originals)].read_bytes() + i.to_bytes(4, "big"))
        paths.append(path)
    return paths


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
