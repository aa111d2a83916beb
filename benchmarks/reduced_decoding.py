"""Whether `batch` answers otherwise where it decodes part of a large JPEG, as against `--full`, which decodes it all.

`python -m benchmarks.reduced_decoding FOLDER` takes your own pictures: its JPEGs of 3840 px and more as they are.
Without any so large, and without a folder, when it takes the development pictures or else the demo data, small pictures
are laid on grey canvases of 4032x3024, JPEG quality 90. `own size` are those whose every face is large enough to be
judged from half the size, not enlarged: what is in them is what a camera and a web site left. `enlarged`: the largest
face of each picture is made 100 to 1500 px, the logarithm drawn evenly; as such a face has no fine detail of its own,
noise lies on it as a sensor's does (sigma 4 of 255), which decoding by half takes away.

Each picture goes through `maskwise batch` twice. Compared are the faces of those that were judged from less than the
whole: faces are one if their boxes overlap by IoU 0.5 or more. `uncertain` is a verdict, too; `opposed` are faces with
two verdicts neither of which is that. Probability: largest difference over the classes. Bands are of the shorter side
of a face, in pixels of the whole picture.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.optimize import linear_sum_assignment

from benchmarks.table import Row, write
from maskwise.batch.plan import Judging
from maskwise.batch.run import Wish, run
from maskwise.data.embedded import build_demo_dataset
from maskwise.engines.local import Local
from maskwise.errors import ImageError
from maskwise.inference.checker import load
from maskwise.inference.sources import pictures_below
from maskwise.model.faces import MAX_SIDE_PX, YuNet
from maskwise.model.images import read_image
from maskwise.model.quality import sides_px
from maskwise.statistics.metrics import wilson
from maskwise.values import UNCERTAIN, Image

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("jolignier/images", "macwin/images", "yivanov", "azface/people")
CANVAS_WH, QUALITY, NOISE = (4032, 3024), 90, 4.0
FACES_PX, PICTURES = (100, 1500), 700
PART_ROWS = 10
SAME_FACE = 0.5
BANDS = {"all": (0, np.inf), "under 400": (0, 400), "400 to 800": (400, 800), "800 and more": (800, np.inf)}


@dataclass(frozen=True, slots=True)
class Small:
    """A picture with the shorter side of its smallest and its largest face, in pixels."""

    path: Path
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A face in one or both of two answers.

    side_px: shorter side of its box, of the whole picture if it is there.
    iou: of both boxes; nan if only one answer has it.
    verdicts: from all pixels, then from part of them; None where it was not found.
    apart: largest difference of a class's probability; nan if only one answer has it.
    """

    side_px: float
    iou: float
    verdicts: tuple[str | None, str | None]
    apart: float


def measure(folder: Path | None = None, pictures: int = PICTURES) -> list[Row]:
    """Rows for each kind of picture and band of sizes."""
    with tempfile.TemporaryDirectory() as work:
        paths = sorted(_paths(folder, Path(work)))
        large = [path for path in paths if _is_large(path)]
        if large:
            return _compared("as they are", large, Path(work))
        small = _smalls(paths)
        needed = 2 * load().pipeline.classify.card.crop.size_px
        own = [one for one in small if one.smallest >= 1.03 * needed]  # some room, as boxes are not found alike
        chosen = [small[i] for i in np.random.default_rng(0).permutation(len(small))[:pictures]]
        return [
            *_compared(
                "own size", _saved(_canvases(read_image(one.path) for one in own), Path(work) / "own"), Path(work)
            ),
            *_compared("enlarged", _saved(_noisy(_canvases(_enlarged(chosen))), Path(work) / "enlarged"), Path(work)),
        ]


def _paths(folder: Path | None, work: Path) -> Iterator[Path]:
    if folder is not None:
        yield from pictures_below(folder)
    elif DATA.is_dir():
        for name in SETS:
            yield from pictures_below(DATA / name)
    else:
        yield from pictures_below(build_demo_dataset(work / "demo"))


def _is_large(path: Path) -> bool:
    try:
        with Pillow.open(path) as picture:
            return picture.format == "JPEG" and max(picture.size) >= 2 * MAX_SIDE_PX
    except OSError:
        return False


def _smalls(paths: Sequence[Path]) -> list[Small]:
    """Those in which somebody is found."""
    detect = YuNet(threads=1)

    def look(path: Path) -> Small | None:
        try:
            sides = sides_px(detect(read_image(path)).boxes_xyxy)
        except ImageError:
            return None
        return Small(path, float(sides.min()), float(sides.max())) if len(sides) else None

    with ThreadPoolExecutor() as pool:
        return [one for one in pool.map(look, paths) if one is not None]


def _enlarged(pictures: Sequence[Small]) -> Iterator[Image]:
    """From small faces to large ones, so that a canvas has faces of about one size."""
    low, high = np.log(FACES_PX)
    for one, face_px in zip(pictures, np.exp(np.linspace(low, high, len(pictures))), strict=True):
        picture = Pillow.fromarray(read_image(one.path))
        scale = min(face_px / one.largest, *(most / side for most, side in zip(CANVAS_WH, picture.size, strict=True)))
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        yield np.asarray(picture.resize(size, Pillow.Resampling.LANCZOS))


def _canvases(images: Iterable[Image]) -> Iterator[Image]:
    """Lay pictures in lines from left to right until a canvas is full."""
    width, height = CANVAS_WH
    canvas, left, top, bottom = np.full((height, width, 3), 127, np.uint8), 0, 0, 0
    for image in images:
        down, across = image.shape[:2]
        if left + across > width:
            left, top = 0, bottom
        if top + down > height:
            yield canvas
            canvas, left, top, bottom = np.full_like(canvas, 127), 0, 0, 0
        canvas[top : top + down, left : left + across] = image
        left, bottom = left + across, max(bottom, top + down)
    if bottom:
        yield canvas


def _noisy(images: Iterable[Image]) -> Iterator[Image]:
    chance = np.random.default_rng(0)
    for image in images:
        noise = NOISE * chance.standard_normal(image.shape, np.float32)
        yield np.clip(image + noise, 0, 255).astype(np.uint8)


def _saved(images: Iterable[Image], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = []
    for number, image in enumerate(images):
        paths.append(folder / f"{number:05d}.jpg")
        Pillow.fromarray(image).save(paths[-1], quality=QUALITY)
    return paths


def _compared(what: str, paths: Sequence[Path], work: Path) -> list[Row]:
    full, part = (_answers(what, paths, work, Judging(full=full)) for full in (True, False))
    reduced = (part["decoded_at"] < 1).to_list()
    both = zip(full["faces"].to_list(), part["faces"].to_list(), reduced, strict=True)
    pairs = [pair for whole, half, is_reduced in both if is_reduced for pair in _pairs(whole, half)]
    about: Row = {"what": what, "pictures": len(paths), "reduced": sum(reduced)}
    bands = {name: [p for p in pairs if low <= p.side_px < high] for name, (low, high) in BANDS.items()}
    return [about | {"face_px": name} | _told(of) for name, of in bands.items() if of]


def _answers(what: str, paths: Sequence[Path], work: Path, judging: Judging) -> pl.DataFrame:
    if not paths:
        return pl.DataFrame({"faces": [], "decoded_at": []})
    names = work / f"{what}.csv"
    with names.open("w", newline="") as file:
        csv.writer(file).writerows([["path"], *([path.absolute()] for path in paths)])
    place = work / f"{what}, {'full' if judging.full else 'part'}"
    run(Wish((str(names),), str(place), judging=judging, part_rows=PART_ROWS), Local())
    return pl.read_parquet(place / "rows" / "*.parquet").sort("input")


def _pairs(whole: list[Row], half: list[Row]) -> Iterator[Pair]:
    """Each face of a picture once."""
    overlaps = _iou(_boxes(whole), _boxes(half))
    rows, columns = linear_sum_assignment(np.where(overlaps >= SAME_FACE, overlaps, 0), maximize=True)
    same = [(i, j) for i, j in zip(rows, columns, strict=True) if overlaps[i, j] >= SAME_FACE]
    for i, j in same:
        verdicts = whole[i]["verdict"], half[j]["verdict"]
        yield Pair(_side(whole[i]), float(overlaps[i, j]), verdicts, _apart(whole[i], half[j]))
    for i in set(range(len(whole))) - {i for i, _ in same}:
        yield Pair(_side(whole[i]), np.nan, (whole[i]["verdict"], None), np.nan)
    for j in set(range(len(half))) - {j for _, j in same}:
        yield Pair(_side(half[j]), np.nan, (None, half[j]["verdict"]), np.nan)


def _boxes(faces: list[Row]) -> NDArray[np.float64]:
    return np.array([face["box_xyxy"] for face in faces], np.float64).reshape(-1, 4)


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) and (m, 4) xyxy to (n, m)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b))
    return np.asarray(shared / (area_a[:, None] + area_b[None] - shared))


def _side(face: Row) -> float:
    left, top, right, bottom = face["box_xyxy"]
    return float(min(right - left, bottom - top))


def _apart(one: Row, other: Row) -> float:
    a, b = one["probabilities"], other["probabilities"]
    return float(max(abs(a[name] - b[name]) for name in a if a[name] is not None))


def _told(pairs: Sequence[Pair]) -> Row:
    both = [pair for pair in pairs if None not in pair.verdicts]
    same = sum(a == b for a, b in (pair.verdicts for pair in both))
    opposed = sum(a != b and UNCERTAIN not in (a, b) for a, b in (pair.verdicts for pair in both))
    low, high = wilson(same, len(both))
    apart, iou = (np.array([getattr(pair, name) for pair in both]) for name in ("apart", "iou"))
    return {
        "faces_full": sum(pair.verdicts[0] is not None for pair in pairs),
        "faces_part": sum(pair.verdicts[1] is not None for pair in pairs),
        "both": len(both),
        "only_full": sum(pair.verdicts[1] is None for pair in pairs),
        "only_part": sum(pair.verdicts[0] is None for pair in pairs),
        "same": same,
        "same_share": round(same / len(both), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "opposed": opposed,
        "p_median": round(float(np.median(apart)), 4),
        "p_p95": round(float(np.quantile(apart, 0.95)), 4),
        "p_max": round(float(apart.max()), 4),
        "iou_median": round(float(np.median(iou)), 3),
        "iou_p5": round(float(np.quantile(iou, 0.05)), 3),
    }


if __name__ == "__main__":
    write(
        Path(__file__).parent / "results" / "reduced_decoding.csv", measure(Path(sys.argv[1]) if sys.argv[1:] else None)
    )
