"""`evaluate` and `data audit` in threads of one process, in processes of this machine, and under Ray.

In turns, three rounds, on the same pictures: JPEG of 640x480, each its own blobs with one face of the demo data.
Evaluation is of the bundled model, from its loading to its figures: it finds the faces and judges them. Of the audit
its looking, which is what an engine does, and the whole. Ray runs already; whatever else starts is counted. `same`:
answers and records are those of the threads, bit for bit.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.table import Row
from maskwise.data.audit.audit import SHELF, audit
from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.engines.cores import cores
from maskwise.engines.engine import Engine
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from maskwise.model.artifact import folder_of
from maskwise.model.faces import YuNet
from maskwise.model.images import read_image
from maskwise.training.measure import measure_artifact
from maskwise.values import Image

COUNT, SIZE_WH, ROUNDS = 2_000, (640, 480), 3

WAYS: dict[str, Callable[[], Engine] | None] = {"threads": None, "--engine local": Local, "--engine ray": OnRay}

Timed = tuple[float, bytes]
"""Seconds, and what came of them."""


def measure(count: int = COUNT, rounds: int = ROUNDS) -> list[Row]:
    """One row for each thing that is done and each way."""
    with tempfile.TemporaryDirectory() as folder:
        data = read_dataset(pictures_in(Path(folder), count))
        spent: dict[tuple[str, str], list[Timed]] = {}
        for number in range(rounds):
            for way, make in WAYS.items():
                with _engine(make) as engine:
                    spent.setdefault(("evaluate", way), []).append(_evaluated(data, engine))
                    looking, whole = _audited(data, Path(folder) / f"{way}-{number}", engine)
                    spent.setdefault(("audit, looking", way), []).append(looking)
                    spent.setdefault(("audit", way), []).append(whole)
    return [_row(what, way, spent, count, rounds) for what, way in spent]


def pictures_in(folder: Path, count: int) -> Path:
    """A class folder each for masked and unmasked."""
    faces = [
        sorted(one.rglob("*.png")) for one in sorted(build_demo_dataset(folder / "demo").iterdir()) if one.is_dir()
    ]
    places = [folder / "data" / label for label in ("masked", "unmasked")]
    for place in places:
        place.mkdir(parents=True)

    def write(number: int) -> None:
        of_class = faces[number % 2]
        face = read_image(of_class[number // 2 % len(of_class)])
        picture = _picture(face, np.random.default_rng(number))
        cv2.imwrite(str(places[number % 2] / f"{number:05d}.jpg"), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))
    return folder / "data"


def _picture(face: Image, chance: np.random.Generator) -> Image:
    width, height = SIZE_WH
    octaves = (
        weight * cv2.resize(chance.standard_normal((side, side, 3), np.float32), SIZE_WH, interpolation=cv2.INTER_CUBIC)
        for side, weight in ((3, 40), (8, 30), (24, 20), (60, 10))
    )
    picture = np.clip(128 + sum(octaves), 0, 255).astype(np.uint8)
    left, top = chance.integers(0, (width - face.shape[1], height - face.shape[0]))
    picture[top : top + face.shape[0], left : left + face.shape[1]] = face
    return picture


@contextmanager
def _engine(make: Callable[[], Engine] | None) -> Iterator[Engine | None]:
    if make is not OnRay:
        yield make() if make else None
        return
    import ray

    ray.init(num_cpus=cores(), include_dashboard=False, log_to_driver=False)
    try:
        yield make()
    finally:
        ray.shutdown()


def _evaluated(data: Manifest, engine: Engine | None) -> Timed:
    began = time.perf_counter()
    measured = measure_artifact(folder_of(Path("default")), data, engine=engine)
    took = time.perf_counter() - began
    return took, measured.predictions.table().write_csv().encode()


def _audited(data: Manifest, folder: Path, engine: Engine | None) -> tuple[Timed, Timed]:
    looked = 0.0

    def hear(what: str, _done: int, _total: int) -> None:
        nonlocal looked
        if what == "looking at pictures":
            looked = time.perf_counter()

    began = time.perf_counter()
    found = audit(data, folder, detect=YuNet(threads=1 if engine else 0), engine=engine, hear=hear)
    took = time.perf_counter() - began
    records = b"".join((folder / SHELF / name).read_bytes() for name in ("pictures", "points", "faces"))
    return (looked - began, records), (took, str(found.content).encode())


def _row(what: str, way: str, spent: dict[tuple[str, str], list[Timed]], count: int, rounds: int) -> Row:
    threads, own = spent[what, "threads"], spent[what, way]
    return {
        "what": what,
        "way": way,
        "pictures": count,
        "rounds": rounds,
        "seconds": round(median(took for took, _ in own), 2),
        "a_second": round(count / median(took for took, _ in own), 1),
        "to_threads": round(median(a / b for (a, _), (b, _) in zip(threads, own, strict=True)), 2),
        "same": all(content == threads[0][1] for _, content in own),
    }
