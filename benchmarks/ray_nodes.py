"""`maskwise batch` on one, two and three local Ray nodes of one core each, every one with a raylet of its own.

`pictures`: 640x480 with four faces; on two cores a third node can add nothing. `waiting`: tasks that wait half a
second, as for a slow store, and compute nothing: what handing out work allows where cores are not the limit. The first
results are not counted, so neither is the start of workers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.batch_speed import SIZE_WH, pictures_in
from benchmarks.table import Row
from maskwise.batch.run import Progress, Wish, run
from maskwise.engines.on_ray import OnRay

COUNT, PART_ROWS, ROUNDS, NODES = 600, 20, 2, (1, 2, 3)
WAITS, WAIT_S = 40, 0.5


def measure() -> list[Row]:
    """Two rows for each number of nodes."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = pictures_in(Path(folder) / "pictures", SIZE_WH, COUNT)
        rates: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS):
            for nodes in NODES:
                looked, waited = _on(nodes, pictures)
                rates.setdefault(("pictures", nodes), []).append(looked)
                rates.setdefault(("waiting", nodes), []).append(waited)
    return [
        {
            "what": what,
            "nodes": nodes,
            "rounds": ROUNDS,
            "per_s": round(median(found), 2),
            "times_one": round(median(found) / median(rates[what, 1]), 2),
            "of_ideal": round(median(found) / median(rates[what, 1]) / nodes, 2),
        }
        for (what, nodes), found in sorted(rates.items())
    ]


def _on(nodes: int, pictures: Path) -> tuple[float, float]:
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        return _looking(cluster.address, pictures, nodes), _waiting(cluster.address, nodes)
    finally:
        cluster.shutdown()


def _looking(address: str, pictures: Path, nodes: int) -> float:
    heard: list[tuple[float, int]] = []

    def hear(progress: Progress) -> None:
        heard.append((time.perf_counter(), progress.fresh))

    with tempfile.TemporaryDirectory() as place:
        run(Wish((str(pictures),), f"{place}/out", part_rows=PART_ROWS), OnRay(address), hear)
    return _rate([one for one in heard if one[1]], skip=2 * nodes)


@dataclass(frozen=True)
class Wait:
    """For half a second."""

    def __call__(self) -> Callable[[int], int]:
        """What a worker does."""
        return self.wait

    def wait(self, number: int) -> int:
        """The same number, later."""
        time.sleep(WAIT_S)
        return number


def _waiting(address: str, nodes: int) -> float:
    done = OnRay(address).map(Wait(), range(WAITS))
    return _rate([(time.perf_counter(), number) for number, _ in enumerate(done)], skip=2 * nodes)


def _rate(heard: list[tuple[float, int]], skip: int) -> float:
    (began, before), (ended, after) = heard[skip], heard[-1]
    return (after - before) / (ended - began)
