"""Small pictures and a small model, so that thousands can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image as Pillow

from maskwise.batch.plan import Judging
from tests.builders import BLUEISH, REDDISH

WHOLE = Judging(faces="whole")


def coloured(folder: Path, count: int, *, broken: tuple[int, ...] = ()) -> Path:
    """Blue and red pictures in turn, each of its own size; some of them are no pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(7)
    for number in range(count):
        path = folder / f"{number:05d}.png"
        if number in broken:
            path.write_bytes(b"no picture")
            continue
        colour = REDDISH if number % 2 else BLUEISH
        light = chance.integers(-30, 31, (48, 48 + number % 100, 1))  # a picture without detail is not judged
        Pillow.fromarray(np.clip(np.array(colour) + light, 0, 255).astype(np.uint8)).save(path)
    return folder


def rows_of(place: Path) -> pl.DataFrame:
    """Every row, in the order of the inputs, without what differs from run to run."""
    rows = pl.read_parquet(place / "rows" / "*.parquet").sort("input")
    return rows.drop("read_ms", "check_ms")
