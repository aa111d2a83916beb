"""The looks of every picture, in flat files that an interrupted audit goes on from.

One record follows the other in the order of the pictures, so what is done is told by the files' lengths alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.audit.look import FACE, PICTURE, POINT, Look, Records, look_at
from maskwise.data.audit.looking import Picture, looked_by
from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX
from maskwise.engines.engine import Engine
from maskwise.errors import StorageError
from maskwise.model.faces import FaceDetector
from maskwise.model.storage import written_whole

CHUNK = 256
"""Pictures between two writes of threads: what a kill loses."""

_VERSION = 1  # raise it when a look comes to hold something else
_FILES = {"pictures": PICTURE, "points": POINT, "faces": FACE}


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """Looks of n pictures with m faces.

    folder: where the files lie.
    table: one line for each content: sha256, path (the first with it), rows (of the manifest's usable rows, in order).
    pictures: (n,) PICTURE records.
    faces: (m,) FACE records, in the order of `rows`.
    rows: (m,) int64, which usable row each face record belongs to.
    """

    folder: Path
    table: pl.DataFrame
    pictures: Records
    faces: Records
    rows: NDArray[np.int64]

    def points(self, which: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(k, 2) places and (k, 128) descriptors of one picture, read from the disk: all of them would fill memory."""
        record = np.fromfile(self.folder / "points", POINT, 1, offset=which * POINT.itemsize)[0]
        count = int(record["count"])
        return record["xy"][:count].astype(np.float32), record["descriptor"][:count].astype(np.float32)


def contents(manifest: Manifest) -> pl.DataFrame:
    """One line for each different content among the usable rows: sha256, path, rows; in the order of the rows."""
    numbered = manifest.usable.with_row_index("rows")
    return numbered.group_by("sha256", maintain_order=True).agg(pl.col("path").first(), pl.col("rows"))


def fill(
    manifest: Manifest,
    folder: Path,
    detect: FaceDetector | None,
    progress: Callable[[int, int], None] | None = None,
    *,
    engine: Engine | None = None,
) -> Shelf:
    """Look at every picture; those that an earlier, interrupted run looked at are taken from the folder.

    Args:
        manifest: the data.
        folder: of the looks.
        detect: finds faces; None leaves them uncounted. For an engine it has to be one that can be pickled, with one
            thread.
        progress: hears of pictures done and pictures in all.
        engine: who looks; None: threads of this process. The records are the same, whoever does.

    Raises:
        EngineError: workers cannot work.
        StorageError: the folder cannot be written; what is there already stays and is gone on from.
    """
    table = contents(manifest)
    boxes, rows = Manifest(manifest.usable).boxes_xyxy(), table["rows"].to_list()
    pictures = [(path, boxes[which]) for path, which in zip(table["path"], rows, strict=True)]
    starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])])
    try:
        _prepare(folder, manifest, detect is not None)
        done = _done(folder, starts)
        for looks in looked_by(engine, pictures[done:], detect) if engine else _looked(pictures[done:], detect):
            _append(folder, looks)
            done += len(looks)
            if progress:
                progress(done, len(rows))
    except OSError as error:
        raise StorageError(
            f"cannot write {folder}: {error.strerror or error}; make room and start again: what is done is kept"
        ) from error
    flat = np.fromiter((row for several in rows for row in several), np.int64)
    return Shelf(folder, table, _opened(folder, "pictures"), _opened(folder, "faces"), flat)


def clear(folder: Path) -> None:
    """Remove the looks once nothing needs them: they hold small thumbnails."""
    shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, manifest: Manifest, faces: bool) -> None:
    """Empty the folder unless it holds looks of the very same data."""
    key = json.dumps({"version": _VERSION, "data": manifest.fingerprint(), "order": _order(manifest), "faces": faces})
    mark = folder / "of.json"
    if mark.is_file() and mark.read_text() == key:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _FILES:
        (folder / name).touch()
    with written_whole(mark) as partial:
        partial.write_text(key)


def _order(manifest: Manifest) -> int:
    """Changes when the rows come in another order: records are found by their place."""
    return int(manifest.usable.select("sha256", *BOX, "label").hash_rows(seed=0).implode().hash().item())


def _done(folder: Path, starts: NDArray[np.int64]) -> int:
    """So many pictures are whole in every file; what goes beyond them is cut off."""
    have = {name: (folder / name).stat().st_size // kind.itemsize for name, kind in _FILES.items()}
    done = min(have["pictures"], have["points"], int(np.searchsorted(starts, have["faces"], side="right")) - 1)
    for name, kind in _FILES.items():
        os.truncate(folder / name, (int(starts[done]) if name == "faces" else done) * kind.itemsize)
    return done


def _looked(pictures: Sequence[Picture], detect: FaceDetector | None) -> Iterator[list[Look]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pictures), CHUNK):
            chunk = pictures[start : start + CHUNK]
            yield list(pool.map(lambda picture: look_at(Path(picture[0]), picture[1], detect), chunk))


def _append(folder: Path, looks: list[Look]) -> None:
    for name, records in zip(_FILES, zip(*looks, strict=True), strict=True):
        with (folder / name).open("ab") as file:
            file.write(np.concatenate(records).tobytes())


def _opened(folder: Path, name: str) -> Records:
    path = folder / name
    if not path.stat().st_size:
        return np.zeros(0, _FILES[name])
    return np.memmap(path, _FILES[name], mode="r")
