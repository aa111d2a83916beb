"""How well an epoch is mixed whose faces lie in shards, against one that is shuffled whole; counted, not timed.

Rows stand as a folder lists them: class by class, source by source. `class_sd`: standard deviation over batches of the
share of the first class, over that of a whole shuffle. `together`: pairs of a batch that are in one batch again in the
next epoch, over the same of a whole shuffle. `undealt` leaves rows in the shards as the folder lists them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row
from maskwise.training.shards import by_windows, placed

FACES, BATCH, ROWS, EPOCHS = 262_144, 64, 1024, 5


def measure() -> list[Row]:
    """A row for each size of a window."""
    first = np.arange(FACES) < FACES // 2
    dealt = np.empty(FACES, np.int64)
    dealt[placed([str(i) for i in range(FACES)])] = np.arange(FACES)
    whole = _mixing(np.zeros(FACES, np.int64), 1, first)
    rows: list[Row] = []
    for way, place in (("dealt", dealt), ("undealt", np.arange(FACES))):
        for window in (1, 4, 16, 64, 256):
            spread, together = _mixing(place // ROWS, window, first)
            ratios = {"class_sd": round(spread / whole[0], 3), "together": round(together / whole[1], 2)}
            rows.append({"way": way, "shards": FACES // ROWS, "window": window, **ratios})
    return rows


def _mixing(shard_of: NDArray[np.int64], window: int, first: NDArray[np.bool_]) -> tuple[float, float]:
    """Of some epochs, the spread of a class's share over batches, and how many pairs meet again."""
    spreads, met = [], []
    before: NDArray[np.int64] | None = None
    for epoch in range(EPOCHS):
        rng = np.random.default_rng([0, epoch])
        order = by_windows(rng.permutation(FACES), shard_of, window, rng)
        spreads.append(first[order].reshape(-1, BATCH).mean(axis=1).std())
        batch_of = np.empty(FACES, np.int64)
        batch_of[order] = np.arange(FACES) // BATCH
        if before is not None:
            pairs = np.unique(before * (FACES // BATCH) + batch_of, return_counts=True)[1].astype(np.int64)
            met.append(int((pairs * (pairs - 1) // 2).sum()))
        before = batch_of
    return float(np.mean(spreads)), float(np.mean(met))
