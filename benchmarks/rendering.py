"""Rendered pictures per second on all cores, from files to files: read, find the face, draw, write as JPEG.

Pictures of at most 256 pixels, faces about 120 to 160 pixels wide, as many masks on each as the row says. The time
includes starting the processes. Reference in the same run: drawing alone, in one thread, on a face measured before.
Needs the development pictures.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.table import Row
from maskwise.data.embedded import astronaut
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.data.masks import KINDS, NEGATIVES, draw_mask, draw_negative, random_kind_style, sit
from maskwise.data.masks.faces import find_faces, shrunk
from maskwise.data.masks.variants import Mix
from maskwise.data.reading import default_cache
from maskwise.data.rendering import Render, render_dataset

PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "chandrika"
SIZE_PX = 256
FACES = 600


def measure() -> list[Row]:
    """Drawing alone, by kind; then the whole way, for one and for several pictures of each face."""
    rows = [_drawing(kind) for kind in (*KINDS, *NEGATIVES)]
    if not PICTURES.is_dir():
        return [*rows, {"skipped": "no development pictures"}]
    manifest = read_dataset(PICTURES, cache=default_cache())
    return [*rows, *(_whole_way(manifest, each) for each in (1, 5, 10))]


def _drawing(kind: str, count: int = 60) -> Row:
    image = shrunk(np.ascontiguousarray(astronaut()[40:200, 144:304]), SIZE_PX)
    image = np.asarray(cv2.resize(image, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
    found = find_faces(image)
    sitter = sit(image, found.landmarks_xy[0], found.boxes_xyxy[0])
    styles = [random_kind_style(np.random.default_rng(i), kind) for i in range(count)] if kind in KINDS else []
    started = time.perf_counter()
    for i in range(count):
        if styles:
            draw_mask(sitter, styles[i])
        else:
            draw_negative(sitter, kind, i)
    seconds = time.perf_counter() - started
    width = round(float(found.boxes_xyxy[0, 2] - found.boxes_xyxy[0, 0]))
    return {"what": f"draw {kind}", "face_px": width, "ms_each": round(seconds / count * 1000, 2)}


def _whole_way(manifest: Manifest, each: int) -> Row:
    render = Render(Mix(each=each), size_px=SIZE_PX)
    with tempfile.TemporaryDirectory() as folder:
        started, before = time.perf_counter(), os.times()
        done = render_dataset(manifest, Path(folder), render, limit=FACES if each == 1 else FACES // 2)
        seconds, after = time.perf_counter() - started, os.times()
    count = done.manifest.rows.height
    cpu = sum(after[:4]) - sum(before[:4])
    return {
        "what": f"files to files, {each} of each face",
        "pictures": count,
        "seconds": round(seconds, 2),
        "pictures_per_second": round(count / seconds),
        "cpu_ms_each": round(cpu / count * 1000, 2),
    }
