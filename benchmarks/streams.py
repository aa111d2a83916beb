"""Films watched and written, annotated: frames a second, against a plain loop of OpenCV and ONNX Runtime.

The plain loop is what one writes first: read a frame, find faces (same detector, same scales), cut, classify (same
model, one thread), draw, write, next frame. It looks at every frame, as does the row `every frame`; `ten looks` is what
`maskwise watch` does. Bound: what the slowest step, or all cores together, would allow. The reference of `ratio` is
the plain loop of the same size in the same run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import onnxruntime as ort

from benchmarks.table import Row
from maskwise.data.clips import crowd, film
from maskwise.inference.checker import load
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import folder_of
from maskwise.model.crops import crop_faces
from maskwise.model.faces import bundled_weights, scales
from maskwise.stream.measuring.bench import Bench, bench
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.watching import Watching

SIZES, FRAMES, FACES = ((640, 480), (1280, 720)), 300, 4


def measure() -> list[Row]:
    """Rows for each size: plain, every frame, ten looks a second; and one for the start."""
    rows: list[Row] = []
    pipeline = load(threads=1).pipeline
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = _film(Path(folder) / f"{size[0]}.mp4", size)
            rows += _compared(path, size, Path(folder), pipeline)
        rows.append(_start(Path(folder) / f"{SIZES[0][0]}.mp4"))
    return rows


def _compared(path: Path, size: tuple[int, int], folder: Path, pipeline: Pipeline) -> list[Row]:
    plain = FRAMES / _plain(path, folder / "plain.mp4")
    every = bench(path, pipeline, Watching(looks_per_s=0), lambda _: None, FRAMES)
    ten = bench(path, pipeline, Watching(), lambda _: None, FRAMES)
    again = FRAMES / _plain(path, folder / "plain.mp4")
    reference = (plain + again) / 2
    named = {"size": f"{size[0]}x{size[1]}", "faces": FACES, "frames": FRAMES}
    return [
        {**named, "what": "plain loop", "frames_per_s": round(reference, 1), "ratio": 1.0},
        {**named, "what": "every frame", **_row(every, reference)},
        {**named, "what": "ten looks", **_row(ten, reference)},
    ]


def _row(measured: Bench, reference: float) -> Row:
    shown = measured.to_json()
    late = measured.latency
    return {
        "frames_per_s": measured.overlapped,
        "ratio": round(measured.overlapped / reference, 2),
        "one_after_another": measured.sequential,
        "gain": shown["gain"],
        "bound": measured.bound,
        "of_bound": shown["of_bound"],
        "bound_by": measured.bound_by,
        "live_p50_ms": late.p50_ms,
        "live_p95_ms": late.p95_ms,
        **{f"{stage}_ms": round(value, 2) for stage, value in measured.ms.items()},
    }


def _film(path: Path, size_wh: tuple[int, int]) -> Path:
    with Mp4(path, 30.0) as file:
        for frame, _ in film(crowd(FACES, size_wh), FRAMES / 30, 30.0, size_wh):
            file.write(frame.image, frame.time_s or 0.0)
    return path


def _plain(path: Path, out: Path) -> float:
    """Seconds for the film, one frame after the other."""
    card = load().pipeline.classify.card
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    network = ort.InferenceSession(str(folder_of("default") / "model.onnx"), options)
    name = network.get_inputs()[0].name
    began = time.perf_counter()
    capture = cv2.VideoCapture(str(path))
    width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (width, height))
    detector = cv2.FaceDetectorYN.create(str(bundled_weights()), "", (width, height), 0.6, 0.4)
    while True:
        found, bgr = capture.read()
        if not found:
            break
        boxes = []
        for scale in scales(width, height):
            small = bgr if scale == 1 else cv2.resize(bgr, (round(width * scale), round(height * scale)))
            detector.setInputSize((small.shape[1], small.shape[0]))
            _, faces = detector.detect(small)
            boxes += [face[:4] / scale for face in (faces if faces is not None else ())]
        kept = cv2.dnn.NMSBoxes([list(map(float, box)) for box in boxes], [1.0] * len(boxes), 0.0, 0.4)
        corners = np.array([[x, y, x + w, y + h] for x, y, w, h in (boxes[int(i)] for i in kept)], np.float32)
        if len(corners):
            crops = crop_faces(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8), corners, card.crop)
            logits = network.run(None, {name: card.preprocess(crops)})[0]
            for (x0, y0, x1, y1), best in zip(corners.astype(int), logits.argmax(axis=1), strict=True):
                cv2.rectangle(bgr, (x0, y0), (x1, y1), (0, 200, 0), 2)
                cv2.putText(bgr, card.labels[best], (x0, y0 - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 200, 0), 1)
        writer.write(bgr)
    writer.release()
    capture.release()
    return time.perf_counter() - began


def _start(path: Path) -> Row:
    """From the command to the first thing that is said of anybody, the program's own start included."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        running = subprocess.Popen(
            [sys.executable, "-m", "maskwise", "watch", str(path), "--json"], stdout=subprocess.PIPE
        )
        if running.stdout and running.stdout.readline():
            took.append(time.perf_counter() - began)
        running.kill()
        running.wait()
    return {"what": "start to first event", "seconds": round(median(took), 2)}
