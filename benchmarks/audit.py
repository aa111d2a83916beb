"""What the audit finds of what was planted, and what it costs.

Planted copies: 500 pictures of each development set: mirrored, cropped by 5 %, halved, saved as JPEG 60, brightened,
and all of it at once. Recall counts the copies joined with their original; precision counts, of all pairs with a
copy in them, those that join it with its original or with what is a twin of the original already.

Planted labels: 3 % of the labels of the jolignier faces of 16 px or more, exchanged for another class.

Scale: pictures of noise in several octaves with a small face in the middle, no two alike; 1 % have a planted copy. Each
size runs in its own process, so that its memory is its own. Needs the development pictures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.table import Row
from maskwise.data.audit.doubt import Doubt
from maskwise.data.audit.look import GREY_PX
from maskwise.data.audit.shelf import fill
from maskwise.data.audit.suspects import suspicion
from maskwise.data.audit.twins import TWIN, find_twins
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.data.together import belonging
from maskwise.model.crops import CropSpec, crop_whole
from maskwise.model.images import read_image
from maskwise.statistics.metrics import wilson
from maskwise.values import Image

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {"chandrika": "chandrika", "jang12k": "jang12k", "jolignier": "jolignier/images", "macwin": "macwin/images",
        "yivanov": "yivanov"}  # fmt: skip
CHANGES = ("mirrored", "cropped 5 %", "halved", "JPEG 60", "brightened", "all of these")
PLANTED, WRONG_LABELS, SEEDS = 500, 0.03, (11, 12, 13)
SIZES = (1_000, 10_000, 100_000)


def measure(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """One row for each set and change, each seed of wrong labels, and each size."""
    if not DATA.is_dir():
        return [{"skipped": "no development pictures"}]
    return [*_planted_twins(), *_planted_labels(), *(_at_scale(size) for size in sizes)]


# --- planted copies ---------------------------------------------------------------------------------------------------


def _planted_twins() -> Iterator[Row]:
    for name, folder in SETS.items():
        paths = sorted(p for p in (DATA / folder).rglob("*") if p.suffix in (".jpg", ".png"))
        grey = np.stack([_grey(read_image(path)) for path in paths])
        known = _twins(grey)
        for change in CHANGES:
            yield _planted(name, change, paths, grey, known)


def _planted(name: str, change: str, paths: list[Path], grey: NDArray[np.uint8], known: pl.DataFrame) -> Row:
    rng = np.random.default_rng([7, CHANGES.index(change)])
    chosen = rng.permutation(len(paths))[: min(PLANTED, len(paths) // 2)]
    planted = np.stack([_grey(changed(read_image(paths[i]), change, rng)) for i in chosen])
    started = time.perf_counter()
    found = _twins(np.concatenate([grey, planted]))
    seconds = time.perf_counter() - started
    n, origin = len(paths), {len(paths) + k: int(i) for k, i in enumerate(chosen)}
    twins = {frozenset(pair) for pair in known.select("a", "b").rows()}
    hits = false = 0
    for a, b in found.filter(pl.col("b") >= n).select("a", "b").rows():
        one, other = origin.get(a, a), origin.get(b, b)
        if a == origin[b]:
            hits += 1
        elif one != other and frozenset((one, other)) not in twins:
            false += 1
    low, high = wilson(hits, len(chosen))
    return {
        "what": f"planted copies, {name}, {change}", "n": len(chosen), "recall": round(hits / len(chosen), 4),
        "low": round(low, 4), "high": round(high, 4), "precision": round(hits / max(hits + false, 1), 4),
        "false": false, "seconds": round(seconds, 1),
    }  # fmt: skip


def _twins(grey: NDArray[np.uint8]) -> pl.DataFrame:
    return find_twins(grey).filter(pl.col("similarity") >= TWIN)


def changed(image: Image, change: str, rng: np.random.Generator) -> Image:
    """A copy of a picture as they occur: one change, or all of them."""
    height, width = image.shape[:2]
    match change:
        case "mirrored":
            return np.ascontiguousarray(image[:, ::-1])
        case "cropped 5 %":
            down, across = round(height * 0.05), round(width * 0.05)
            top, left = rng.integers(0, down + 1), rng.integers(0, across + 1)
            return np.ascontiguousarray(image[top : top + height - down, left : left + width - across])
        case "halved":
            size = max(8, width // 2), max(8, height // 2)
            return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        case "JPEG 60":
            encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
            return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        case "brightened":
            return np.asarray(np.clip(image * rng.choice([0.7, 1.35]), 0, 255), np.uint8)
        case _:
            for one in CHANGES[:-1]:
                image = changed(image, one, rng)
            return image


def _grey(image: Image) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (GREY_PX, GREY_PX), interpolation=cv2.INTER_AREA), np.uint8)


# --- planted labels ---------------------------------------------------------------------------------------------------


def _planted_labels() -> Iterator[Row]:
    whole = read_dataset(DATA / "jolignier")
    side = pl.min_horizontal(pl.col("x_max") - pl.col("x_min"), pl.col("y_max") - pl.col("y_min"))
    rows = whole.usable.filter(side >= 16)
    with tempfile.TemporaryDirectory() as folder:
        shelf = fill(Manifest(rows), Path(folder) / "looks", None)
        faces = np.asarray(shelf.faces)[np.argsort(shelf.rows)]
    together = belonging(rows, pl.DataFrame(schema={"sha256_a": pl.String, "sha256_b": pl.String}))
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(rows.height)[: round(WRONG_LABELS * rows.height)]
        labels = rows["label"].to_list()
        for i in chosen:
            labels[i] = str(rng.choice([name for name in whole.labels if name != labels[i]]))
        wrong = Manifest(rows.with_columns(pl.Series("label", labels, pl.String)))
        started = time.perf_counter()
        doubt = Doubt.of(wrong.usable, faces, together, None, wrong)
        first = np.argsort(-suspicion(doubt.probabilities, doubt.target))[: rows.height // 10]
        hits = int(np.isin(chosen, first).sum())
        low, high = wilson(hits, len(chosen))
        yield {
            "what": f"planted labels, jolignier, seed {seed}, among the first 10 % of {rows.height}", "n": len(chosen),
            "recall": round(hits / len(chosen), 4), "low": round(low, 4), "high": round(high, 4),
            "seconds": round(time.perf_counter() - started, 1),
        }  # fmt: skip


# --- scale ------------------------------------------------------------------------------------------------------------


def _at_scale(size: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder) / "data", size)
        command = [sys.executable, "-m", "benchmarks.audit", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return {"what": f"audit of {size:,} pictures", "n": size} | figures


def make_pictures(folder: Path, size: int) -> None:
    """Write `size` pictures of 160 x 160 into two class folders; the last hundredth are cropped copies of the first."""
    faces = [
        [crop_whole(read_image(p), CropSpec(64)) for p in sorted(inner.glob("*.jpg"))]
        for inner in (DATA / "chandrika" / "with_mask", DATA / "chandrika" / "without_mask")
    ]
    for label in ("masked", "unmasked"):
        (folder / label).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda i: _write_picture(folder, faces, i, size), range(size)))


def _write_picture(folder: Path, faces: list[list[Image]], i: int, size: int) -> None:
    copies = size // 100
    original = i if i < size - copies else i - (size - copies)
    rng = np.random.default_rng([3, original])
    image = _noise(rng)
    of_class = faces[original % 2]
    left, top = rng.integers(8, 88, 2)
    image[top : top + 64, left : left + 64] = of_class[rng.integers(len(of_class))]
    if original != i:
        image = changed(image, "cropped 5 %", np.random.default_rng([4, i]))
    name = folder / ("masked", "unmasked")[original % 2] / f"{i:06d}.jpg"
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    name.write_bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def _noise(rng: np.random.Generator) -> Image:
    """(160, 160, 3) blobs in several octaves."""
    octaves = (
        weight * cv2.resize(rng.standard_normal((side, side, 3), np.float32), (160, 160), interpolation=cv2.INTER_CUBIC)
        for side, weight in ((3, 40), (8, 30), (24, 20), (60, 10))
    )
    return np.asarray(np.clip(128 + sum(octaves), 0, 255), np.uint8)


def _audit_here(folder: Path) -> None:
    """Audit the pictures in `folder/data`; print seconds by stage and this process's largest memory as JSON."""
    from maskwise.data.audit.audit import audit
    from maskwise.model.faces import YuNet

    started = time.perf_counter()
    ends: dict[str, float] = {}
    manifest = read_dataset(folder / "data")
    ends["taking in"] = time.perf_counter()
    found = audit(
        manifest, folder / "audit", detect=YuNet(),
        hear=lambda what, _done, _total: ends.__setitem__(what, time.perf_counter()),
    )  # fmt: skip
    finished = time.perf_counter()
    spent, last = {}, started
    for stage, end in ends.items():
        spent[f"s_{stage.split()[-1]}"], last = round(end - last, 1), end
    copies = found.pairs.filter(pl.col("kind") == "twin").height
    # Not getrusage: that counts what the parent held when it started this process.
    status = Path("/proc/self/status").read_text()
    memory = int(status.split("VmHWM:")[1].split()[0]) / 2**20
    print(json.dumps({"seconds": round(finished - started, 1), "GiB": round(memory, 2), "twins": copies} | spent))


if __name__ == "__main__":
    _audit_here(Path(sys.argv[1]))
