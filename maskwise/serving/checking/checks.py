"""Pictures in, answers out: threads that look at what waits, as many as there are cores.

A picture that comes alone is looked at with every core; where several wait, each thread takes some of them and keeps
to one core, which gives more pictures a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from maskwise.engines.cores import cores
from maskwise.errors import ImageError
from maskwise.inference.checker import load
from maskwise.inference.pipeline import Pipeline
from maskwise.serving.checking.answers import Answer, Wish, answer, failed
from maskwise.serving.checking.bodies import Room
from maskwise.serving.checking.line import Batch, Job, Line
from maskwise.serving.checking.looking import Looked, Sent, look
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.problems import Busy
from maskwise.serving.settings import Settings

TOGETHER = 4
"""Pictures that a thread looks at together, at most. A face costs the network 6.4 ms of a core alone, 4.2 where there
are two, and 3.8 from four to sixteen; what is taken together is answered together, so more would only wait longer."""

FIRST_GUESS_S = 0.05
"""Of the time for one picture, before any was looked at."""

MEMORY = 0.05
"""Weight of the newest picture in the mean time for one."""

_LOG = logging.getLogger(__name__)


class Checks:
    """Looks at pictures; a context.

    card: of the model.
    room: for what is being sent.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Load the model twice: for all cores, and for one of them.

        Raises:
            ArtifactError: no sound model.
        """
        self._cores = settings.cores or cores()
        self._narrow = load(settings.model, threads=1).pipeline
        self._wide = load(settings.model, threads=self._cores).pipeline if self._cores > 1 else self._narrow
        self.room = Room(settings.limits)
        self._metrics, self._max_pixels = metrics, settings.limits.max_pixels
        self.card = self._narrow.classify.card
        self._line = Line(settings.limits.waiting, self._cores)
        self._picture_s = FIRST_GUESS_S
        self._threads = [
            threading.Thread(target=self._work, name=f"check {i}", daemon=True) for i in range(self._cores)
        ]
        metrics.waiting.set_function(lambda: len(self._line))
        for outcome in ("looked", "unreadable", "refused"):
            metrics.pictures.labels(outcome)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """What waits is still answered."""
        self._line.close()
        for thread in self._threads:
            thread.join()

    def begin(self, pictures: Sequence[Sent], wish: Wish) -> Ticket:
        """Put the pictures of one request in line; to be called in the event loop.

        Raises:
            Busy: too many wait; says when it is worth to come again.
        """
        ticket = Ticket(self._line, pictures, wish)
        if not ticket.stand_in_line():
            self._metrics.pictures.labels("refused").inc(len(pictures))
            waiting = len(self._line)
            raise Busy(
                f"{waiting} pictures wait already; send this again after the seconds that Retry-After says",
                waiting * self._picture_s / self._cores,
            )
        return ticket

    def _work(self) -> None:
        while (batch := self._line.take(TOGETHER)) is not None:
            began = time.perf_counter()
            try:
                self._answer(batch)
            finally:
                self._line.finished()
            took = (time.perf_counter() - began) / len(batch.jobs)
            self._picture_s += MEMORY * (took - self._picture_s)

    def _answer(self, batch: Batch) -> None:
        pipeline = self._wide if batch.alone else self._narrow
        for job, looked in zip(batch.jobs, self._looked(pipeline, batch.jobs), strict=True):
            sent = job.sent
            try:
                said = answer(looked, sent.name, sent.index, self.card.labels, job.wish)
            except Exception:  # noqa: BLE001 - logged; a caller always gets an answer
                _LOG.exception("a picture could not be answered")
                said = failed(_UNEXPECTED, sent.name, sent.index, self.card.labels)
            self._count(said)
            job.done(said)

    def _looked(self, pipeline: Pipeline, jobs: Sequence[Job]) -> list[Looked]:
        """Of each picture; should one break something, it alone pays for it."""
        try:
            return look(pipeline, [job.sent for job in jobs], self._max_pixels)
        except Exception:  # noqa: BLE001 - logged; one picture must not stop the thread
            if len(jobs) > 1:
                return [looked for job in jobs for looked in self._looked(pipeline, [job])]
            _LOG.exception("a picture could not be looked at")
            return [ImageError(_UNEXPECTED)]

    def _count(self, said: Answer) -> None:
        self._metrics.pictures.labels("looked" if said.error is None else "unreadable").inc()
        for verdict in said.verdicts:
            self._metrics.faces.labels(verdict.label).inc()


_UNEXPECTED = "this picture could not be looked at, which should not have happened; the service's log says more"


class Ticket:
    """The pictures of one request on their way; lives in the event loop.

    answers: one for each picture, in their order, once all are there.
    """

    def __init__(self, line: Line, pictures: Sequence[Sent], wish: Wish) -> None:
        self._loop = asyncio.get_running_loop()
        self.answers: asyncio.Future[list[Answer]] = self._loop.create_future()
        self._line, self._found = line, dict[int, Answer]()
        self._jobs = [Job(sent, wish, self._hand_over(i)) for i, sent in enumerate(pictures)]

    def stand_in_line(self) -> bool:
        """Whether there was room for all of them."""
        return self._line.add(self._jobs)

    def give_up(self) -> None:
        """Free the places of those that are still in line, as nobody waits for them any more."""
        if not self.answers.done():
            self.answers.cancel()
            self._line.leave(self._jobs)

    def _hand_over(self, index: int) -> Callable[[Answer], None]:
        def done(said: Answer) -> None:
            try:
                self._loop.call_soon_threadsafe(self._take, index, said)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        return done

    def _take(self, index: int, said: Answer) -> None:
        self._found[index] = said
        if len(self._found) == len(self._jobs) and not self.answers.done():
            self.answers.set_result([self._found[i] for i in range(len(self._jobs))])
