"""One stream, watched in the background until it is stopped, whatever happens to it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from maskwise.errors import MaskwiseError
from maskwise.inference.pipeline import Pipeline
from maskwise.serving.cameras.board import Board
from maskwise.serving.cameras.doors import Doors
from maskwise.serving.cameras.look import Look
from maskwise.serving.cameras.recorder import Recorder
from maskwise.serving.cameras.state import Config, Health, State
from maskwise.serving.cameras.story import Heard, Story
from maskwise.stream.sources import live
from maskwise.stream.sources.live import Patience
from maskwise.stream.sources.names import scrubbed
from maskwise.stream.sources.opening import Source
from maskwise.stream.watching import Moment, watch
from maskwise.values import Faces, Frame, FrameResult

LOG = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
"""Before a stream that failed is tried again; doubles each time, and is the first again after it was watched."""

CLOCK_S = 5.0
"""When the clock was set by more, or the machine slept, a stream is begun anew: moments are to be true."""

RATE_S = 5.0
"""Over which the rate of looks is taken."""

RECORDING_WAITS = "the database cannot be written, and no more can be kept until then: the stream waits"


@dataclass(frozen=True, slots=True)
class Tools:
    """What every stream needs.

    pipeline: finds the one for a stream, which may take a while.
    looked, ended: told of each look, and of a file that is over and not to be watched again by itself.
    """

    doors: Doors
    board: Board
    recorder: Recorder
    pipeline: Callable[[Config], Pipeline]
    looked: Callable[[Config], None]
    ended: Callable[[Config], None]
    patience: Patience | None = None


class Camera:
    """Watches one stream in threads of its own, from `start` to `stop`.

    config: what was chosen; its name may change meanwhile.
    """

    def __init__(self, config: Config, tools: Tools, after: Camera | None = None) -> None:
        """Nothing is opened yet.

        Args:
            config: what was chosen for it.
            tools: what every stream needs.
            after: the one before, of the same stream: many a camera lets in one at a time.
        """
        self.config = config
        self._tools, self._after = tools, after
        self._stopped, self._telling = threading.Event(), threading.Lock()
        self._source: Source | None = None
        self._thread = threading.Thread(target=self._run, name=f"stream {config.id}", daemon=True)
        self._state: State = "starting"
        self._because, self._ends = "", config.kind == "file"

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once. The board hears no more of it; what happened until now is still recorded."""
        with self._telling:
            self._stopped.set()
            source = self._source
        if source is not None:  # closing waits for threads that a silent network may hold
            threading.Thread(target=source.close, name=f"close stream {self.config.id}", daemon=True).start()

    def join(self, seconds: float) -> bool:
        """Whether it has ended within so long."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._after is not None:
            self._after.join(live.CLOSING_S + 10.0)
            self._after = None
        wait_s = FIRST_WAIT_S
        while not self._stopped.is_set():
            before_s = time.monotonic()
            if not self._again():
                return
            wait_s = FIRST_WAIT_S if time.monotonic() - before_s > LONGEST_WAIT_S else wait_s
            self._stopped.wait(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _again(self) -> bool:
        """Watch it once, to whatever end; whether it is to be tried again."""
        try:
            return self._watch_once()
        except MaskwiseError as error:
            because = scrubbed(str(error), self.config.source)
            if (self._state, self._because) != ("failed", because):  # once, however often it is tried
                LOG.warning("stream %d %s: %s", self.config.id, self.config.name, because)
        except Exception as error:
            LOG.exception("stream %d %s came to an unexpected end", self.config.id, self.config.name)
            because = f"an unexpected error, {type(error).__name__}; the service's log says more"
        self._say("failed", because)
        return not self._ends  # would fail at the same place, and what came before be counted twice

    def _watch_once(self) -> bool:
        pipeline = self._tools.pipeline(self.config)
        with self._tools.doors.open(self.config.source, self._hear, self._tools.patience) as source:
            self._ends = not source.live
            with self._telling:
                self._source = source
            try:
                clock = self._watch(source, pipeline)
            finally:
                with self._telling:
                    self._source = None
        if self._stopped.is_set() or clock.jumped:
            return not self._stopped.is_set()
        if not source.live:
            self._say("ended", keep_look=True)
            self._tools.ended(self.config)
            return False
        self._say("lost", "it ended")
        return True

    def _watch(self, source: Source, pipeline: Pipeline) -> Clock:
        clock = Clock(getattr(source, "began_s", time.monotonic()))
        how, story = self.config.how, Story(clock.run, self.config.how.zones)
        frames = self._frames(source, clock)
        if not source.live:
            self._say("connected")
        rate, seeing = Rate(RATE_S), Seeing(pipeline, lambda: self._state == "frozen")
        try:
            for moment in watch(frames, seeing, self.config.shown, how.watching(), live=source.live):
                self._hand_over(story.look(moment, frozen=self._state == "frozen"), clock)
                if moment.result is not None:
                    rate.count(time.monotonic())
                    self._show(moment, clock, source, rate)
        except BaseException:
            self._hand_over(story.rest(), clock)
            if not source.live:
                self._tools.ended(self.config)
            raise
        return clock

    def _frames(self, source: Source, clock: Clock) -> Iterator[Frame]:
        """Frames under the name that others may know, until it is to stop; those of a file as slowly as it is shown."""
        for frame in source:
            due_s = 0.0 if source.live else clock.began_s + (frame.time_s or 0.0) - time.monotonic()
            if self._stopped.wait(max(0.0, due_s)) or (source.live and clock.jumps()):
                return
            yield replace(frame, source=self.config.shown)

    def _hand_over(self, heard: Heard | None, clock: Clock) -> None:
        if heard is None or not heard:
            return
        batch, because = heard.batch(self.config.id, self.config.name, clock.run), self._because
        if self._tools.recorder.hand_over(batch, lambda: self._say(self._state, RECORDING_WAITS)):
            self._say(self._state, because)

    def _show(self, moment: Moment, clock: Clock, source: Source, rate: Rate) -> None:
        time_s = moment.frame.time_s or 0.0
        if moment.result is None:
            return
        late_ms = max(0.0, 1000 * (time.monotonic() - clock.began_s - time_s))
        health = Health(rate.per_s, source.dropped, source.broken, late_ms)
        frame, blur = moment.frame, self.config.how.blur
        look = Look(self.config.id, clock.run + time_s, frame.image, moment.here, moment.result, blur)
        with self._telling:
            if not self._stopped.is_set() and self._state in ("connected", "frozen"):
                self._tools.board.show(look, health)
        self._tools.looked(self.config)

    def _hear(self, health: live.Health) -> None:
        """What became of a live stream; called in one of its threads."""
        state: State = "connected" if health.state == "moving" else health.state
        if state != self._state and not self._stopped.is_set():
            level = logging.INFO if state == "connected" else logging.WARNING
            because = f": {scrubbed(health.because, self.config.source)}" if health.because else ""
            LOG.log(level, "stream %d %s is %s%s", self.config.id, self.config.name, state, because)
        self._say(state, health.because)

    def _say(self, state: State, because: str = "", *, keep_look: bool = False) -> None:
        with self._telling:
            if not self._stopped.is_set():
                self._state, self._because = state, because
                self._tools.board.say(self.config.id, state, because, keep_look=keep_look)


class Seeing(Pipeline):
    """Finds nobody in a picture that stands still: whoever was in it when it stopped has left."""

    def __init__(self, of: Pipeline, is_frozen: Callable[[], bool]) -> None:
        super().__init__(of.detect, of.classify, of.thresholds, of.cut)
        self._is_frozen = is_frozen

    def __call__(self, frame: Frame) -> FrameResult:
        """What is found in a frame."""
        if not self._is_frozen():
            return super().__call__(frame)
        height, width = frame.image.shape[:2]
        nothing = np.zeros((0, len(self.labels)), np.float32)
        return FrameResult(frame.source, frame.index, frame.time_s, width, height, Faces.none(), self.labels, nothing)


class Clock:
    """Ties the times of a stream to moments.

    began_s: when its times begin, by `time.monotonic`. run: the same, in seconds since 1970.
    jumped: the clock was set since then.
    """

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.run = self._now()
        self.jumped = False

    def jumps(self) -> bool:
        """Whether the clock was set since the beginning."""
        self.jumped = self.jumped or abs(self._now() - self.run) > CLOCK_S
        return self.jumped

    def _now(self) -> float:
        return time.time() - (time.monotonic() - self.began_s)


class Rate:
    """How often a second something came, over the last seconds."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._times: deque[float] = deque()

    def count(self, now_s: float) -> None:
        """It came now."""
        self._times.append(now_s)
        while self._times[0] < now_s - self._span_s:
            self._times.popleft()

    @property
    def per_s(self) -> float:
        """How often; 0 before it came twice."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-9)
