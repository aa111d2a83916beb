"""`maskwise batch`: memory of all its processes at most, by the number of pictures, which are named by reference.

A manifest names the same hundred pictures of one face, 112 px, again and again. `growth` is against the first row.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import psutil
from PIL import Image as Pillow

from benchmarks.table import Row
from maskwise.batch.plan import Judging
from maskwise.batch.run import Wish, run
from maskwise.data.clips import crowd, film
from maskwise.engines.local import Local

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
SIZE_WH = (160, 120)


def measure(counts: tuple[int, ...] = COUNTS) -> list[Row]:
    """A row for each number of pictures."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (frame, _) in enumerate(film(crowd(1, SIZE_WH), 100 / 30, 30.0, SIZE_WH)):
            Pillow.fromarray(frame.image).save(Path(folder) / f"{number}.jpg", quality=90)
        for count in counts:
            manifest = Path(folder) / f"{count}.txt"
            with manifest.open("w") as file:
                file.writelines(f"{number % 100}.jpg\n" for number in range(count))
            with Watched() as watched:
                place = f"{folder}/out{count}"
                began = time.perf_counter()
                run(Wish((str(manifest),), place, judging=Judging(faces="whole")), Local())
                took_s = time.perf_counter() - began
            first = rows[0]["memory_mb"] if rows else watched.most_mb
            stored = sum(path.stat().st_size for path in Path(place).rglob("*.parquet"))
            rows.append(
                {
                    "pictures": count,
                    "memory_mb": round(watched.most_mb, 1),
                    "driver_mb": round(watched.driver_mb, 1),
                    "growth": round(watched.most_mb / first - 1, 3),
                    "per_s": round(count / took_s, 1),
                    "bytes_a_row": round(stored / count),
                }
            )
    return rows


class Watched:
    """The most memory that this process and its children had together."""

    def __init__(self) -> None:
        self.most_mb = self.driver_mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        own = psutil.Process()
        while not self._over.wait(0.2):
            total = driver = own.memory_info().rss
            for child in own.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most_mb = max(self.most_mb, total / 1e6)
            self.driver_mb = max(self.driver_mb, driver / 1e6)
