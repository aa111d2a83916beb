"""How fast a film is watched on this machine: by stage, with and without overlap, and how late a live picture is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskwise.engines.cores import cores
from maskwise.errors import DependencyError
from maskwise.inference.pipeline import Pipeline
from maskwise.model.classifier import MaskClassifier
from maskwise.stream.outputs.annotated import AnnotatedVideo
from maskwise.stream.outputs.beside import Beside, MomentSink
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.sources.live import Live
from maskwise.stream.sources.video import Video, VideoFacts
from maskwise.stream.watching import Moment, Watching, watch
from maskwise.values import Frame, Image

try:
    import psutil
except ImportError as error:  # pragma: no cover - the tests have it
    raise DependencyError("measuring needs the extra `video`: pip install 'maskwise[video]'") from error

T = TypeVar("T")

STAGES = ("decode", "detect", "classify", "follow", "draw", "encode")
STEPS = (("decode",), ("detect", "classify"), ("follow",), ("draw", "encode"))
"""Stages that share a thread when steps overlap."""

LIVE_RATE, LIVE_S, LIVE_PICTURES = 30.0, 10.0, 60
"""Of what stands for a camera: pictures a second, seconds, and different pictures."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From the arrival of a picture to what is said of it, milliseconds; n moments, those that were looked at."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float
    n: int
    rate: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What was measured.

    width, height, frames: of the film.
    looks, faces: frames in which faces were looked for, and faces in each on average.
    ms: by stage, milliseconds for a frame of the film, on average, one stage after the other.
    each_ms: of `detect` and `classify`, milliseconds for a frame that was looked at.
    sequential, overlapped: frames a second, everything included.
    bound: frames a second that the slowest step, or all steps on these cores, would allow; bound_by: which.
    latency: live.
    memory_mb, growth_mb: resident at the end, and how much more than after the first hundred frames.
    cores: of this machine.
    """

    width: int
    height: int
    frames: int
    looks: int
    faces: float
    ms: dict[str, float]
    each_ms: dict[str, float]
    sequential: float
    overlapped: float
    bound: float
    bound_by: str
    latency: Latency
    memory_mb: float
    growth_mb: float
    cores: int

    def to_json(self) -> dict[str, Any]:
        """All of it, and the two ratios."""
        ratios = {
            "gain": round(self.overlapped / self.sequential, 3),
            "of_bound": round(self.overlapped / self.bound, 3),
        }
        return {**asdict(self), **ratios}


class _Clock:
    """Adds up what the stages take."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def timed(self, stage: str, work: Callable[..., T]) -> Callable[..., T]:
        def run(*given: Any) -> T:
            began = time.perf_counter()
            try:
                return work(*given)
            finally:
                self.seconds[stage] += time.perf_counter() - began

        return run

    def items(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        take = self.timed(stage, iter(items).__next__)
        while True:
            try:
                yield take()
            except StopIteration:
                return


class _TimedClassifier:
    """A classifier whose calls are timed."""

    def __init__(self, classify: MaskClassifier, clock: _Clock) -> None:
        self.card, self.labels = classify.card, classify.labels
        self._run = clock.timed("classify", classify)

    def __call__(self, crops: Image) -> NDArray[np.float32]:
        return self._run(crops)


class _TimedMp4(Mp4):
    """A file whose encoding is timed."""

    def __init__(self, path: Path, rate: float, clock: _Clock) -> None:
        super().__init__(path, rate)
        self._run = clock.timed("encode", super().write)

    def write(self, image: Image, time_s: float) -> None:
        """Encode a frame."""
        self._run(image, time_s)


@dataclass(slots=True)
class _Counted:
    """Of moments: how many, and what the process held after the first hundred."""

    frames: int = 0
    looks: int = 0
    faces: int = 0
    early_mb: float = 0.0

    def look(self, moment: Moment) -> None:
        self.frames += not moment.ended
        if self.frames == 100:
            self.early_mb = _resident_mb()
        if moment.result is not None:
            self.looks += 1
            self.faces += len(moment.result.faces)


def bench(film: Path, pipeline: Pipeline, watching: Watching, say: Callable[[str], None], most: int = 600) -> Bench:
    """Watch a film three times: one stage after the other, overlapped, and as if it came live from a camera.

    Each time an annotated copy with hidden faces is written, as `watch` does, into a folder that is removed at the end.

    Args:
        film: a video file.
        pipeline: finds and judges faces.
        watching: how; whether steps overlap is set here.
        say: hears what is being measured.
        most: frames of the film that are used.

    Raises:
        InputError: the film cannot be read.
    """
    with Video(str(film)) as video:
        facts = video.facts
        images = [frame.image for frame in islice(video, LIVE_PICTURES)]
    pipeline(Frame(images[0]))  # the first call is slower
    with tempfile.TemporaryDirectory() as folder:
        copy, rate = Path(folder) / "copy.mp4", facts.rate or 25.0
        say("one stage after the other")
        clock, counted, again = _Clock(), _Counted(), _Counted()
        with AnnotatedVideo(_TimedMp4(copy, rate, clock), "all") as sink:
            sequential_s = _stage_by_stage(film, pipeline, watching, sink, clock, counted, most)
        say("steps side by side")
        began = time.perf_counter()
        with Video(str(film)) as video, Beside(AnnotatedVideo(Mp4(copy, rate), "all")) as beside:
            for moment in watch(islice(video, most), pipeline, "film", replace(watching, overlapped=True)):
                beside.look(moment)
                again.look(moment)
        overlapped_s = time.perf_counter() - began
        say(f"live: {LIVE_RATE:.0f} pictures a second for {LIVE_S:.0f} s")
        with Beside(AnnotatedVideo(Mp4(copy, LIVE_RATE), "all")) as beside:
            latency = _live(images, pipeline, replace(watching, overlapped=True), beside)
    frames, looks, at_hand = counted.frames, max(counted.looks, 1), cores()
    ms = {stage: 1000 * seconds / frames for stage, seconds in clock.seconds.items()}
    steps = {" and ".join(step): sum(ms[stage] for stage in step) for step in STEPS}
    steps[f"all steps on {at_hand} cores"] = sum(ms.values()) / at_hand
    bound_by = max(steps, key=lambda name: steps[name])
    held_mb = _resident_mb()
    return Bench(
        width=images[0].shape[1],
        height=images[0].shape[0],
        frames=frames,
        looks=counted.looks,
        faces=round(counted.faces / looks, 2),
        ms={stage: round(value, 3) for stage, value in ms.items()},
        each_ms={stage: round(1000 * clock.seconds[stage] / looks, 2) for stage in ("detect", "classify")},
        sequential=round(frames / sequential_s, 1),
        overlapped=round(again.frames / overlapped_s, 1),
        bound=round(1000 / steps[bound_by], 1),
        bound_by=bound_by,
        latency=latency,
        memory_mb=round(held_mb, 1),
        growth_mb=round(held_mb - (counted.early_mb or held_mb), 1),
        cores=at_hand,
    )


def _stage_by_stage(
    film: Path,
    pipeline: Pipeline,
    watching: Watching,
    sink: AnnotatedVideo,
    clock: _Clock,
    counted: _Counted,
    most: int,
) -> float:
    """Seconds for all of it; the clock has what each stage took."""
    timed = Pipeline(
        clock.timed("detect", pipeline.detect),
        _TimedClassifier(pipeline.classify, clock),  # type: ignore[arg-type]  # all that a pipeline asks of one
        pipeline.thresholds,
        pipeline.cut,
    )
    began = time.perf_counter()
    with Video(str(film)) as video:
        frames = clock.items("decode", islice(video, most))
        look = clock.timed("draw", sink.look)
        for moment in clock.items("follow", watch(frames, timed, "film", replace(watching, overlapped=False))):
            look(moment)
            counted.look(moment)
    seconds = clock.seconds
    seconds["follow"] -= seconds["decode"] + seconds["detect"] + seconds["classify"]
    seconds["draw"] -= seconds["encode"]
    return time.perf_counter() - began


def _live(images: Sequence[Image], pipeline: Pipeline, watching: Watching, sink: MomentSink) -> Latency:
    """The same pictures over and over, at a camera's pace."""
    late_ms: list[float] = []
    began_s = time.monotonic()
    with Live("camera", lambda: _Paced(images)) as live:
        for moment in watch(live, pipeline, "camera", watching, live=True):
            now_s = time.monotonic() - began_s
            if moment.result is not None and not moment.ended:
                late_ms.append(1000 * (now_s - (moment.frame.time_s or 0.0)))
            sink.look(moment)
            if now_s > LIVE_S:
                break
    p50, p95, p99 = (float(v) for v in np.percentile(late_ms, [50, 95, 99]))
    return Latency(round(p50, 1), round(p95, 1), round(p99, 1), round(max(late_ms), 1), len(late_ms), LIVE_RATE)


class _Paced:
    """A camera that shows these pictures."""

    facts: VideoFacts | None = None
    broken = dropped = 0

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = images

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""

    def pictures(self) -> Iterator[Callable[[], Image]]:
        """Each when it is due."""
        began_s = time.monotonic()
        for number, image in enumerate(cycle(self._images)):
            time.sleep(max(0.0, began_s + number / LIVE_RATE - time.monotonic()))
            yield image.copy


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20
