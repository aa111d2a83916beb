"""`maskwise batch` on 1, 2, 4, ... processes of one machine, up to its cores: pictures/s, and the share of the ideal.

JPEG of 640x480 with four faces; each run from its start to its summary, so that starting processes counts too.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.batch_speed import SIZE_WH, pictures_in
from benchmarks.table import Row
from maskwise.batch.run import Wish, run
from maskwise.engines.cores import cores
from maskwise.engines.local import Local

COUNT, PART_ROWS, ROUNDS = 400, 20, 3
"""Pictures for each process, so that every run takes about as long."""


def measure() -> list[Row]:
    """A row for each number of processes."""
    steps = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= cores()]
    with tempfile.TemporaryDirectory() as folder:
        pictures = pictures_in(Path(folder) / "pictures", SIZE_WH, COUNT)
        per_s: dict[int, list[float]] = {n: [] for n in steps}
        for _ in range(ROUNDS):
            for n in steps:
                per_s[n].append(_rate(pictures, n))
    one = median(per_s[steps[0]])
    return [
        {
            "processes": n,
            "pictures": COUNT * n,
            "rounds": ROUNDS,
            "per_s": round(median(rates), 1),
            "times_one": round(median(rates) / one, 2),
            "of_ideal": round(median(rates) / one / n, 2),
        }
        for n, rates in per_s.items()
    ]


def _rate(pictures: Path, processes: int) -> float:
    """The same pictures again and again, by name: a list names them as often as there are processes."""
    with tempfile.TemporaryDirectory() as place:
        names = Path(place) / "names.txt"
        names.write_text("".join(f"{path}\n" for path in sorted(pictures.iterdir()) for _ in range(processes)))
        began = time.perf_counter()
        run(Wish((str(names),), f"{place}/out", part_rows=PART_ROWS), Local(processes))
        return COUNT * processes / (time.perf_counter() - began)
