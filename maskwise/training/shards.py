"""Cut faces of a data set that no disk holds: shards in a folder or an object store, read as an epoch comes to them.

PLACE/shards.json        what they hold
PLACE/00000000.npy ...   each (rows, size, size, 3) uint8, as `numpy.load` opens it

Pictures lie in the shards in a shuffled order, so that each shard is a sample of the whole. An epoch goes through the
shards in an order of its own, a window of them at a time, and shuffles all rows of a window: what is read is read from
start to end, and what is held is a few windows.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import math
import os
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX
from maskwise.data.store import Store
from maskwise.errors import DataError, StorageError
from maskwise.model.crops import CropSpec
from maskwise.training.cutting import cut_ahead
from maskwise.training.recipe import Shards

Crops = NDArray[np.uint8]

INDEX = "shards.json"

FETCHERS = 4
"""Shards that a process fetches at a time, ahead of need."""

WINDOWS_KEPT = 3
"""Windows whose shards stay on this machine: the one in use, the one that comes, and what is left of the one before."""


def shard_name(shard: int) -> str:
    """Of its file."""
    return f"{shard:08d}.npy"


def placed(paths: list[str]) -> NDArray[np.int64]:
    """Which row lies at each place: pictures shuffled, the faces of one picture beside each other.

    Args:
        paths: (n,) of the rows, those of one picture together.

    Returns:
        (n,) row at each place; the same for the same paths.
    """
    pictures = [list(group) for _, group in groupby(range(len(paths)), key=paths.__getitem__)]
    # Three numbers: a seed of [seed, epoch] could be the same as one of 0 alone, and an epoch follow the shards.
    order = np.random.default_rng([0, 0, 1]).permutation(len(pictures))
    return np.array([row for picture in order for row in pictures[picture]], np.int64)


def by_windows(
    order: NDArray[np.int64], shard_of: NDArray[np.int64], window: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Bring a shuffled order into windows of shards; inside a window it stays as shuffled as it was.

    Args:
        order: (m,) rows in random order; one may come several times.
        shard_of: (n,) shard of each row.
        window: shards whose rows are mixed.
        rng: draws the order of the shards.

    Returns:
        (m,) the same rows.
    """
    shards = int(shard_of.max(initial=-1)) + 1
    turn = rng.permutation(shards) // window
    return order[np.argsort(turn[shard_of[order]], kind="stable")]


def claim(part: Manifest, spec: CropSpec, place: str, shards: Shards) -> None:
    """Write down what is to lie in a place, or see that it is what lies there; before any process cuts.

    Pictures, boxes and their order decide where a face lies, so they have to be the same; labels may change.

    Raises:
        DataError: shards of other faces lie there, or of faces cut or laid out otherwise.
        StorageError: the place cannot be written to.
    """
    store = Store(place)
    lines = part.rows[placed(part.rows["path"].to_list())].select(
        pl.concat_str(["sha256", *BOX], separator=" ", ignore_nulls=True)
    )
    mine = {
        "version": 1,
        "rows": part.rows.height,
        "shard_rows": shards.rows,
        "crop": asdict(spec),
        "faces": hashlib.sha256("\n".join(lines.to_series()).encode()).hexdigest(),
    }
    content = (json.dumps(mine, indent=2) + "\n").encode()
    there = store.read(INDEX)
    if there is None:
        store.write(INDEX, content)
    elif there != content:
        raise DataError(
            f"{place}: holds shards of other faces, or in another order, or cut otherwise; name an empty place, or the "
            "data, split and crop of then"
        )


def cut_shards(
    part: Manifest,
    spec: CropSpec,
    place: str,
    shards: Shards,
    turn: tuple[int, int] = (0, 1),
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Decode and cut what is not in its shard yet.

    Args:
        part: all rows that are to be had.
        spec: how faces are cut.
        place: folder or address.
        shards: how they are laid out.
        turn: which process this is, of how many: each cuts its own.
        progress: hears of this process's rows done, and in all.

    Raises:
        DataError: a picture that could be read once cannot be read now.
        StorageError: the place cannot be written to.
    """
    store, paths, boxes = Store(place), part.rows["path"].to_list(), part.boxes_xyxy()
    rows_at = placed(paths)
    there = set(store.names(""))
    starts = range(turn[0] * shards.rows, len(paths), turn[1] * shards.rows)
    missing = [start for start in starts if shard_name(start // shards.rows) not in there]
    total, done = sum(min(shards.rows, len(paths) - start) for start in missing), 0
    for start in missing:
        rows = rows_at[start : start + shards.rows].tolist()
        crops = np.empty((len(rows), spec.size_px, spec.size_px, 3), np.uint8)
        at = {row: i for i, row in enumerate(rows)}
        for cuts in cut_ahead(paths, boxes, rows, spec):
            for row, crop in cuts.items():
                if isinstance(crop, str):
                    raise DataError(f"{crop}; it could be read when this run was prepared")
                crops[at[row]] = crop
            done += len(cuts)
            if progress:
                progress(done, total)
        content = io.BytesIO()
        np.save(content, crops)
        store.write(shard_name(start // shards.rows), content.getvalue())


class ShardedCrops:
    """Cut faces by row, as an array of them would give them; each process opens files for itself."""

    def __init__(self, paths: list[str], size_px: int, place: str, shards: Shards, cache: Path) -> None:
        """Nothing is read yet.

        Args:
            paths: (n,) of the rows, as they were when the shards were cut.
            size_px: side of what was cut.
            place: where the shards are.
            shards: how they are laid out.
            cache: folder for what is fetched from an object store; shards of a folder are read where they lie.
        """
        self.shape = (len(paths), size_px, size_px, 3)
        self.window = shards.window
        self._place, self._rows, self._cache = place, shards.rows, cache
        self._at = np.empty(len(paths), np.int64)
        self._at[placed(paths)] = np.arange(len(paths))
        self._process = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All of them, in memory."""
        return np.asarray(self[np.arange(len(self))], dtype)

    @property
    def shard_of(self) -> NDArray[np.int64]:
        """(n,) shard of each row."""
        return self._at // self._rows

    @property
    def windows(self) -> int:
        """How many an epoch goes through."""
        return max(1, math.ceil(math.ceil(len(self) / self._rows) / self.window))

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> Crops:
        """(m, size, size, 3) crops of m rows.

        Raises:
            StorageError: a shard is not there, or damaged.
        """
        self._in_this_process()
        places: NDArray[np.int64] = self._at[rows]
        crops = np.empty((len(places), *self.shape[1:]), np.uint8)
        for shard in np.unique(places // self._rows):
            which = np.flatnonzero(places // self._rows == shard)
            crops[which] = self._opened(int(shard))[places[which] % self._rows]
        return crops

    def coming(self, rows: NDArray[np.int64]) -> None:
        """Fetch in the background what these rows will need; nothing is waited for."""
        self._in_this_process()
        if self._store.folder is not None:
            return
        for shard in np.unique(self._at[rows] // self._rows):
            if int(shard) not in self._asked:
                self._asked[int(shard)] = None
                self._pool.submit(self._fetched, int(shard))
        while len(self._asked) > WINDOWS_KEPT * self.window:
            self._asked.popitem(last=False)

    def _in_this_process(self) -> None:
        """Connections and threads do not survive a fork."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self._store = Store(self._place)
        self._pool = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch shards")
        self._open, self._asked = OrderedDict[int, Crops](), OrderedDict[int, None]()

    def _opened(self, shard: int) -> Crops:
        if shard not in self._open:
            path = self._store.folder / shard_name(shard) if self._store.folder else self._fetched(shard)
            self._open[shard] = self._sound(shard, path)
            while len(self._open) > WINDOWS_KEPT * self.window:
                self._open.popitem(last=False)
        self._open.move_to_end(shard)
        return self._open[shard]

    def _sound(self, shard: int, path: Path) -> Crops:
        rows = min(self._rows, len(self) - shard * self._rows)
        try:
            crops: Crops = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise StorageError(f"{self._place}: {shard_name(shard)} cannot be read: {error}; remove it") from error
        if crops.shape != (rows, *self.shape[1:]) or crops.dtype != np.uint8:
            raise StorageError(
                f"{self._place}: {shard_name(shard)} holds {crops.shape} {crops.dtype} and not "
                f"{(rows, *self.shape[1:])} uint8; remove it, and --resume cuts it anew"
            )
        return crops

    def _fetched(self, shard: int) -> Path:
        """A shard's copy on this machine; one process fetches, the others of the machine wait for it."""
        path = self._cache / shard_name(shard)
        self._cache.mkdir(parents=True, exist_ok=True)
        with (self._cache / f".{shard_name(shard)}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                path.touch()
                return path
            content = self._store.read(shard_name(shard))
            if content is None:
                raise StorageError(f"{self._place}: {shard_name(shard)} is gone; --resume cuts it anew")
            partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
            try:
                partial.write_bytes(content)
                partial.replace(path)
            except OSError as error:
                partial.unlink(missing_ok=True)
                raise StorageError(f"cannot keep a shard in {self._cache}: {error.strerror}; make room") from error
        self._make_room()
        return path

    def _make_room(self) -> None:
        """The oldest go; one that is still being read stays open, and one that is wanted again is fetched again."""
        there = []
        for path in self._cache.glob("[0-9]*.npy"):
            try:
                there.append((path.stat().st_mtime, path))
            except FileNotFoundError:  # another process made room
                continue
        for _, path in sorted(there)[: -WINDOWS_KEPT * self.window]:
            path.unlink(missing_ok=True)
