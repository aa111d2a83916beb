"""Drawing verdicts into frames: milliseconds of processor time each, one thread, the copy of the frame included.

`draw` is for pictures, `Drawing` for streams: numbers, labels that stay, one zone and one line. Faces move from frame
to frame as they would. Reference in the same run: OpenCV's `rectangle` and `putText`, one each for a face; `ratio` is
to that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row
from maskwise.inference.overlay import draw
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.outputs.drawing import Drawing
from maskwise.stream.watching import Shown
from maskwise.values import CLASSES, UNCERTAIN, Faces, FrameResult, Image, Verdict

SIZES = ((320, 240), (640, 480), (1280, 720), (3840, 2160))
FACES = (1, 4, 10)
ROUNDS = 60

Boxes = NDArray[np.float32]


def measure() -> list[Row]:
    """One row for each way of drawing, size and number of faces."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [row for size in SIZES for count in FACES for row in _rows(size, count)]
    finally:
        cv2.setNumThreads(threads)


def _rows(size: tuple[int, int], count: int) -> list[Row]:
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    verdicts = tuple(Verdict((*CLASSES, UNCERTAIN)[i % 4], 0.87) for i in range(count))
    zones = [Zone("waiting room", ((0.05, 0.1), (0.6, 0.1), (0.6, 0.9), (0.05, 0.9)))]
    stream = Drawing(zones, [Line("entrance", ((0.7, 0.1), (0.8, 0.9)))])
    ways: dict[str, Callable[[Boxes], Image]] = {
        "rectangle and putText": lambda boxes: _plain(image, boxes, verdicts),
        "draw": lambda boxes: draw(image, _result(size, boxes, verdicts)),
        "Drawing": lambda boxes: stream(image, [Shown(i, box, verdicts[i]) for i, box in enumerate(boxes)]),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for i in range(ROUNDS + 5):
        boxes = _boxes(size, count, i)
        for way, work in ways.items():  # side by side, so that the machine's other work meets all of them
            started = time.thread_time()
            work(boxes)
            times[way].append(time.thread_time() - started)
    seconds = {way: sorted(values[5:]) for way, values in times.items()}
    reference = median(seconds["rectangle and putText"])
    return [
        {
            "what": way,
            "picture": f"{size[0]} x {size[1]}",
            "faces": count,
            "ms": round(median(values) * 1000, 2),
            "ms_p10": round(values[ROUNDS // 10] * 1000, 2),
            "ms_p90": round(values[-ROUNDS // 10] * 1000, 2),
            "ratio": round(median(values) / reference, 1),
            "n": ROUNDS,
        }
        for way, values in seconds.items()
    ]


def _boxes(size: tuple[int, int], count: int, step: int) -> Boxes:
    """(count, 4) in rows of five; each walks its own way, a third of a pixel to a pixel in a frame of 640."""
    i = np.arange(count)
    side = size[1] / (4 if count <= 5 else 6)
    walked = step * size[0] / 640 * np.cos(i) / np.array([[1.0], [3.0]])
    left, top = size[0] * (i % 5 + 0.4) / 5.5 + walked[0], size[1] * (0.25 + 0.4 * (i // 5)) + walked[1]
    return np.stack([left, top, left + side * 0.75, top + side], axis=1).astype(np.float32)


def _result(size: tuple[int, int], boxes: Boxes, verdicts: tuple[Verdict, ...]) -> FrameResult:
    n = len(boxes)
    boxes = np.clip(boxes, 0, (*size, *size)).astype(np.float32)
    faces = Faces(boxes, np.ones(n, np.float32), np.full((n, 5, 2), np.nan, np.float32))
    return FrameResult("benchmark", 0, None, *size, faces, CLASSES, np.full((n, 3), 1 / 3, np.float32), verdicts)


def _plain(image: Image, boxes: Boxes, verdicts: tuple[Verdict, ...]) -> Image:
    drawn = image.copy()
    for (x0, y0, x1, y1), verdict in zip(boxes.round().astype(int).tolist(), verdicts, strict=True):
        cv2.rectangle(drawn, (x0, y0), (x1, y1), (0, 200, 0), 2)
        words = f"{verdict.label} {verdict.confidence:.0%}"
        cv2.putText(drawn, words, (x0, y0 - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 200, 0), 1, cv2.LINE_AA)
    return drawn
