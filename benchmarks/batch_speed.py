"""`maskwise batch` against a plain loop of `check`, against what the cores allow, and under Ray.

Ways, in turns, three rounds: the plain loop one writes first, `for path in paths: checker(path)`, with every core for
its networks; decoding alone and the models alone, a process for each core, nothing else going on; `batch` on this
machine, from its start to its summary; the same under Ray, on a cluster that runs already. `both` is what decoding and
models allow together, as they share the cores. Pictures are JPEG with four faces: 640x480, and 4032x3024, as phones
take them, of which `batch` decodes part.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image as Pillow

from benchmarks.table import Row
from maskwise.batch.inputs import Input
from maskwise.batch.looking import look
from maskwise.batch.reading import Read
from maskwise.batch.run import Wish, run
from maskwise.data.clips import crowd, film
from maskwise.engines.cores import cores
from maskwise.engines.engine import Done
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from maskwise.inference.checker import load
from maskwise.model.faces import MAX_SIDE_PX
from maskwise.model.images import decode_image, decode_reduced
from maskwise.model.memory import keep_freed

SIZE_WH, FACES, ROUNDS = (640, 480), 4, 3
COUNTS = {SIZE_WH: 4_000, (4032, 3024): 160}
PART_ROWS = 40
AT_ONCE = 40
"""Pictures of a task of decoding or of the models alone."""


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Rows for each size."""
    with tempfile.TemporaryDirectory() as folder:
        return [row for size, count in COUNTS.items() for row in _of_size(Path(folder), size, count, rounds)]


def _of_size(folder: Path, size: tuple[int, int], count: int, rounds: int) -> list[Row]:
    pictures = pictures_in(folder / f"{size[0]}", size, count)
    paths = sorted(str(path) for path in pictures.iterdir())
    ways: dict[str, Callable[[], float]] = {
        "plain loop of check": lambda: _plain(paths),
        "decoding alone": lambda: _alone(Decoding(size != SIZE_WH), paths),
        "models alone": lambda: _alone(Models(), paths),
        "batch": lambda: _batch(pictures, Local()),
        "batch on Ray": lambda: _on_ray(pictures),
    }
    per_s: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            per_s[way].append(count / work())
    of = {way: np.array(values) for way, values in per_s.items()}
    of["both"] = 1 / (1 / of["decoding alone"] + 1 / of["models alone"])
    slower = np.minimum(of["decoding alone"], of["models alone"])
    shared: Row = {"size": f"{size[0]}x{size[1]}", "faces": FACES, "pictures": count, "rounds": rounds}
    return [
        {
            "way": way,
            **shared,
            "per_s": round(median(values), 1),
            "to_plain": round(median(values / of["plain loop of check"]), 2),
            "of_slower": round(median(values / slower), 2),
            "of_both": round(median(values / of["both"]), 2),
            "to_batch": round(median(values / of["batch"]), 2),
        }
        for way, values in of.items()
    ]


def pictures_in(folder: Path, size: tuple[int, int], count: int) -> Path:
    """JPEG files of a film of four people."""
    folder.mkdir()
    for number, (frame, _) in enumerate(film(crowd(FACES, SIZE_WH), count / 30, 30.0, SIZE_WH)):
        picture = Pillow.fromarray(frame.image)
        if size != SIZE_WH:
            picture = picture.resize(size, Pillow.Resampling.BILINEAR)
        picture.save(folder / f"{number:05d}.jpg", quality=90)
    return folder


def _plain(paths: list[str]) -> float:
    checker = load()
    began = time.perf_counter()
    for path in paths:
        checker(path)
    return time.perf_counter() - began


def _batch(pictures: Path, engine: Any) -> float:
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        run(Wish((str(pictures),), f"{place}/out", part_rows=PART_ROWS), engine)
        return time.perf_counter() - began


def _on_ray(pictures: Path) -> float:
    import ray

    ray.init(num_cpus=cores(), include_dashboard=False, log_to_driver=False)
    try:
        return _batch(pictures, OnRay())
    finally:
        ray.shutdown()


@dataclass(frozen=True, slots=True)
class Decoding:
    """Files to pixels; reduced: as much of them as is needed."""

    reduced: bool

    def __call__(self) -> Callable[[list[str]], tuple[float, float]]:
        """What a worker does."""
        keep_freed()
        return self.do

    def do(self, paths: list[str]) -> tuple[float, float]:
        """When it began and ended."""
        began = time.monotonic()
        for path in paths:
            content = Path(path).read_bytes()
            if self.reduced:
                decode_reduced(content, path, MAX_SIDE_PX)
            else:
                decode_image(content, path)
        return began, time.monotonic()


@dataclass(frozen=True, slots=True)
class Models:
    """Pixels to verdicts, on one thread; what is decoded beforehand is not counted."""

    def __call__(self) -> Callable[[list[str]], tuple[float, float]]:
        """What a worker does."""
        pipeline = load(threads=1).pipeline

        def do(paths: list[str]) -> tuple[float, float]:
            images = [decode_reduced(Path(path).read_bytes(), path, MAX_SIDE_PX)[0] for path in paths[:4]]
            again = [images[i % len(images)] for i in range(len(paths))]
            coming = [Read(Input(""), image, image.shape[1::-1], 0.0, lambda: again[0]) for image in again]
            began = time.monotonic()
            for _ in look(pipeline, coming, 0):
                pass
            return began, time.monotonic()

        return do


def _alone(make: Any, paths: list[str]) -> float:
    """Seconds of all cores for all paths, without what is not timed by the tasks themselves."""
    tasks = [paths[i : i + AT_ONCE] for i in range(0, len(paths), AT_ONCE)]
    spans = [one.result for one in Local().map(make, tasks) if isinstance(one, Done)]
    return float(sum(ended - began for began, ended in spans)) / cores()
