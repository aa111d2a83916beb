"""Writes down what streams have seen, in order, and announces it when it is written, not before.

While the database cannot be written, what is to be written waits and is tried again; when MOST_WAITING batches wait,
the streams themselves wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError

from maskwise.errors import StorageError
from maskwise.serving.store.recording import Batch

LOG = logging.getLogger(__name__)

MOST_WAITING = 2000
"""Batches, of a kilobyte or so each."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
"""Before a batch is tried again; doubles each time."""

GIVING_UP_S = 1.0
"""For the thread to let go of the batch in its hand; one that waits for a silent server does not."""

TRIES = 3
"""Of a batch at which something goes wrong that is not the database's being away: it would hold up all others."""

AWAY = (StorageError, OperationalError, InterfaceError)
"""What is raised while the database is away, locked or full."""

Record = Callable[[Batch], list[dict[str, Any]]]
Announce = Callable[[Mapping[str, Any]], None]


class Recorder:
    """One thread for all streams; in order, each batch once.

    lost: batches that could not be written at all.
    """

    def __init__(self, record: Record, announce: Announce, most: int = MOST_WAITING) -> None:
        """Nothing is written before `start`.

        Args:
            record: writes one batch; gives its events as they are told.
            announce: tells one of them.
            most: batches that may wait.
        """
        self._record, self._announce, self._most = record, announce, most
        self._waiting: deque[Batch] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._hurry = threading.Event()
        self._away = False
        self.lost = 0
        self._thread = threading.Thread(target=self._work, name="record events", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def away(self) -> bool:
        """Whether the database cannot be written at the moment."""
        return self._away

    def hand_over(self, batch: Batch, on_wait: Callable[[], None] = lambda: None) -> bool:
        """Have a batch written; waits where too many wait already, and says whether it did.

        Args:
            batch: the next one of its stream.
            on_wait: called where it has to wait.
        """
        with self._changed:
            waits = len(self._waiting) >= self._most and not self._hurry.is_set()
            if waits:
                on_wait()
                self._changed.wait_for(lambda: len(self._waiting) < self._most or self._hurry.is_set())
            self._waiting.append(batch)
            self._changed.notify_all()
            return waits

    def close(self, seconds: float) -> None:
        """Write what waits, for so long at most; what is not written then is lost, and the log says so."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        self._hurry.set()
        self._thread.join(GIVING_UP_S)
        with self._changed:
            self._changed.notify_all()
            self.lost += len(self._waiting)
        if self.lost:
            LOG.error("%d batches of events could not be recorded and are lost", self.lost)

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            told = self._written(batch)
            with self._changed:  # only now is there room for another
                self._waiting.popleft()
                self._changed.notify_all()
            for event in told:
                self._announce(event)

    def _next(self) -> Batch | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting[0] if self._waiting and not self._hurry.is_set() else None

    def _written(self, batch: Batch) -> list[dict[str, Any]]:
        wait_s, tries = FIRST_WAIT_S, 0
        while True:
            try:
                told = self._record(batch)
            except AWAY as error:
                self._note(away=True, because=type(error).__name__)
                batch = replace(batch, again=True)
            except Exception:
                tries += 1
                LOG.exception("stream %s: events were not recorded, try %d of %d", batch.stream, tries, TRIES)
            else:
                self._note(away=False)
                return told
            if tries >= TRIES or self._hurry.wait(wait_s):
                self.lost += 1
                return []
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _note(self, *, away: bool, because: str = "") -> None:
        if away != self._away:
            self._away = away
            if away:
                LOG.warning("events cannot be recorded (%s); they wait and are tried again", because)
            else:
                LOG.warning("events are recorded again")
