"""Which faces the detector finds with each `min_face_px`, by their size, and what that costs.

Found: one of the boxes overlaps the annotated one by IoU 0.4 or more, each box counted once. Bands are of the shorter
side of the annotated box, in pixels of the picture. `unmatched` counts boxes without an annotated face: false ones, and
faces that nobody annotated, of which crowds are full. `gain` is over 40 on the same faces. Times are of the detector
alone, the settings one after the other on each picture; the ratio is the median over the pictures.

`pictures` are those of jolignier as they are, up to 512 px; `4K canvas` the same pictures in their own size, 28 at a
time on a frame of 3840 x 2160. The detector was not trained on them. Needs the development pictures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.table import Row
from maskwise.data.formats import read_dataset
from maskwise.data.schema import BOX
from maskwise.model.faces import DEFAULT_MIN_FACE_PX, MIN_FACES_PX, YuNet
from maskwise.model.images import read_image
from maskwise.statistics.intervals import compact, percentiles, proportion, resampled
from maskwise.statistics.metrics import Figure
from maskwise.statistics.paired import difference
from maskwise.values import Faces, Image

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "jolignier"
SETTINGS = sorted(MIN_FACES_PX, reverse=True)
SAME_FACE = 0.4
BANDS = {"under 16": (0, 16), "16 to 32": (16, 32), "32 to 64": (32, 64), "64 and more": (64, np.inf)}
CANVAS_PX, CELLS = (3840, 2160), (7, 4)
PICTURES, ON_CANVASES = 1533, 560


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, (m, 4) float32 xyxy annotated boxes, and the group of each."""

    image: Image
    boxes: NDArray[np.float32]
    groups: NDArray[np.int64]


@dataclass(slots=True)
class Found:
    """What one setting gave, picture by picture."""

    hits: list[NDArray[np.bool_]] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def measure(pictures: int = PICTURES, on_canvases: int = ON_CANVASES) -> list[Row]:
    """Rows for each kind of picture and setting: one for each band of sizes, and one for time and unmatched boxes."""
    if not DATA.is_dir():
        return [{"skipped": "no development pictures"}]
    rows = read_dataset(DATA).usable
    order = rows["path"].unique().sort().sample(fraction=1, shuffle=True, seed=0).to_list()
    by_path = dict(rows.group_by("path"))
    groups = {name: code for code, name in enumerate(rows["group"].unique().sort())}

    def scenes(paths: Sequence[str]) -> Iterator[Scene]:
        for path in paths:
            of = by_path[(path,)]
            codes = np.array([groups[name] for name in of["group"]], np.int64)
            yield Scene(read_image(Path(path)), of.select(BOX).to_numpy().astype(np.float32), codes)

    return [
        *_rows("pictures", scenes(order[:pictures])),
        *_rows("4K canvas", _canvases(scenes(order[:on_canvases]))),
    ]


def _canvases(scenes: Iterator[Scene]) -> Iterator[Scene]:
    """Paste the pictures into the middle of the cells of a grey frame; a last frame may have empty cells."""
    columns, lines = CELLS
    width, height = CANVAS_PX
    while several := [scene for _, scene in zip(range(columns * lines), scenes, strict=False)]:
        canvas, boxes = np.full((height, width, 3), 127, np.uint8), []
        for i, scene in enumerate(several):
            down, across = scene.image.shape[:2]
            left = i % columns * width // columns + (width // columns - across) // 2
            top = i // columns * height // lines + (height // lines - down) // 2
            canvas[top : top + down, left : left + across] = scene.image
            boxes.append(scene.boxes + np.array([left, top, left, top], np.float32))
        yield Scene(canvas, np.concatenate(boxes), np.concatenate([scene.groups for scene in several]))


def _rows(what: str, scenes: Iterator[Scene]) -> Iterator[Row]:
    detectors = {px: YuNet(min_face_px=px) for px in SETTINGS}
    found = {px: Found() for px in SETTINGS}
    boxes, groups = [], []
    for scene in scenes:
        boxes.append(scene.boxes)
        groups.append(scene.groups)
        for px, detect in detectors.items():
            started = time.perf_counter()
            faces = detect(scene.image)
            found[px].seconds.append(time.perf_counter() - started)
            hits = match(scene.boxes, faces)
            found[px].hits.append(hits)
            found[px].unmatched.append(len(faces) - int(hits.sum()))
    every, codes = np.concatenate(boxes), np.concatenate(groups)
    sides = (every[:, 2:] - every[:, :2]).min(axis=1)
    reference = found[DEFAULT_MIN_FACE_PX]
    usual = np.concatenate(reference.hits)
    for px, of in found.items():
        hits = np.concatenate(of.hits)
        for band, (low, high) in BANDS.items():
            here = (sides >= low) & (sides < high)
            gain = difference(usual[here], hits[here], codes[here])
            yield (
                {"what": what, "min_face_px": px, "face_px": band, "n": int(here.sum())}
                | _told("recall", proportion(hits[here], codes[here]))
                | (_told("gain", gain) if px != DEFAULT_MIN_FACE_PX else {})
            )
        yield (
            {"what": what, "min_face_px": px, "pictures": len(of.seconds)}
            | _told("unmatched", _mean(np.array(of.unmatched), np.array([codes[0] for codes in groups])))
            | {
                "ms": round(1000 * float(np.median(of.seconds)), 1),
                "ratio": round(float(np.median(np.array(of.seconds) / np.array(reference.seconds))), 2),
            }
        )


def match(boxes: NDArray[np.float32], faces: Faces) -> NDArray[np.bool_]:
    """Which of the (m, 4) annotated boxes were found: (m,) bool; each face found answers for one box at most."""
    overlaps = np.stack([faces.iou(box) for box in boxes])
    truth, answer = linear_sum_assignment(np.where(overlaps >= SAME_FACE, overlaps, 0), maximize=True)
    hits = np.zeros(len(boxes), bool)
    hits[truth] = overlaps[truth, answer] >= SAME_FACE
    return hits


def _mean(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> Figure:
    """Mean of a count over pictures, with the bootstrap's interval over whole groups."""
    codes = compact(groups)
    sums = resampled(np.stack([counts, np.ones_like(counts)], axis=1), codes)
    return Figure(float(counts.mean()), *percentiles(sums[:, 0] / sums[:, 1], int(codes.max()) + 1), len(counts))


def _told(name: str, figure: Figure) -> Row:
    return {
        name: round(figure.value, 4),
        f"{name}_low": round(figure.low, 4),
        f"{name}_high": round(figure.high, 4),
    }
