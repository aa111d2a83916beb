"""Memory over 100,000 frames of a film that is watched with every output: resident megabytes as it goes on.

`growth` is against what was held at a tenth of the way, when everything has been loaded and filled.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.table import Row
from maskwise.data.clips import BARE, Actor, film
from maskwise.inference.checker import load
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.outputs.opened import About, Outputs, opened
from maskwise.stream.sources.video import Video
from maskwise.stream.watching import Watching, watch
from maskwise.values import Frame

FRAMES, SIZE, RATE, SECONDS = 100_000, (320, 240), 30.0, 20.0


def measure() -> list[Row]:
    """A row for each tenth of the way."""
    checker, held = load(threads=1), psutil.Process()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        path = _film(place / "film.mp4")
        outputs = Outputs(
            video=place / "v.mp4",
            frames=place / "f.parquet",
            tracks=place / "t.csv",
            events=place / "e.jsonl",
            report=place / "page.html",
            summary=place / "s.json",
            audit_log=place / "log",
        )
        about = About("film", RATE, card=checker.pipeline.classify.card, thresholds=checker.pipeline.thresholds)
        with opened(outputs, about, lambda _: None) as told:
            for number, moment in enumerate(watch(_frames(path), checker.pipeline, "film", Watching()), start=1):
                told.look(moment)
                if number % (FRAMES // 10) == 0:
                    rows.append({"frames": number, "resident_mb": round(held.memory_info().rss / 2**20, 1)})
                    rows[-1]["growth"] = round(rows[-1]["resident_mb"] / rows[0]["resident_mb"] - 1, 4)
    return rows


def _film(path: Path) -> Path:
    """People come and go all the time."""
    actors = [
        Actor(
            i,
            looks=((0.0, "covering" if i % 2 else BARE), (2.0 * i + 3, BARE if i % 2 else "covering")),
            start_xy=(0.2, 0.3 + 0.08 * i),
            end_xy=(0.8, 0.3 + 0.08 * i),
            comes_s=2.0 * i,
            goes_s=2.0 * i + 6,
            height=0.4,
        )
        for i in range(6)
    ]
    with Mp4(path, RATE) as file:
        for frame, _ in film(actors, SECONDS, RATE, SIZE):
            file.write(frame.image, frame.time_s or 0.0)
    return path


def _frames(path: Path) -> Iterator[Frame]:
    """The film again and again, decoded each time, as one stream."""
    index = 0
    while True:
        with Video(str(path)) as video:
            for frame in video:
                if index == FRAMES:
                    return
                yield replace(frame, index=index, time_s=index / RATE)
                index += 1
