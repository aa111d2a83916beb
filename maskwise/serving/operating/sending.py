"""Alarms on their way: what waits in the outbox is sent, and tried again where it did not arrive.

Each target is told in a thread of its own, so one that does not answer holds up no other. What was sent is marked after
it was sent, so whatever ends the process in between, each alarm arrives at least once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from types import TracebackType
from typing import Self

from maskwise.errors import StorageError
from maskwise.serving.operating.apprising import send
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.store import outbox
from maskwise.serving.store.choices import Choices
from maskwise.serving.store.database import Database
from maskwise.serving.store.outbox import Due
from maskwise.stream.outputs.alerts import Alerting, message

LOOK_S = 1.0
"""Between two looks at the outbox."""

FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 900.0
"""Before what did not arrive is tried again; twice as long each time."""

GIVE_UP_S = 24 * 3600.0
"""An alarm this old helps nobody."""

SIDE_BY_SIDE = 16
"""Targets that are told at once; the others wait for the next look."""

ENDING_S = 5.0
"""How long those that are being told are waited for at the end."""

_LOG = logging.getLogger(__name__)


class Sending:
    """Sends alarms in the background; a context. What waits when it ends is sent after the next start."""

    def __init__(
        self,
        database: Database,
        choices: Choices,
        metrics: Metrics,
        post: Callable[[str, str, str], bool] = send,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is sent yet.

        Args:
            database: with the outbox.
            choices: quiet hours and pause.
            metrics: counts messages by outcome.
            post: sends a title and a text to an address.
            now_s: seconds since 1970.
        """
        self._database, self._choices, self._metrics, self._post, self._now_s = database, choices, metrics, post, now_s
        self._again_s: dict[int, float] = {}
        self._telling: dict[int, threading.Thread] = {}
        self._ending, self._away = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="sending", daemon=True)
        for outcome in ("sent", "failed", "given_up"):
            metrics.messages.labels(outcome)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
        until_s = time.monotonic() + ENDING_S
        for thread in self._telling.values():
            thread.join(max(0.0, until_s - time.monotonic()))

    def look(self) -> list[threading.Thread]:
        """Begin to send what is due now; the threads that do, one for each target.

        Raises:
            StorageError: the database cannot be used.
        """
        now_s, choice = self._now_s(), self._choices.now
        self._give_up(now_s)
        alerting = Alerting(pause_s=choice.pause_s, quiet=choice.quiet_times())
        if alerting.is_quiet(datetime.fromtimestamp(now_s).time()):
            return []
        self._telling = {target: thread for target, thread in self._telling.items() if thread.is_alive()}
        late = [target for target, again_s in self._again_s.items() if 0 < again_s - now_s <= LONGEST_WAIT_S]
        with self._database.read() as session:
            waiting = outbox.due(session, {*self._telling, *late})
        due = [one for one in waiting if one.last_s is None or not 0 <= now_s - one.last_s < choice.pause_s]
        started = []
        for target, its in groupby(due, key=lambda one: one.target_id):
            if len(self._telling) < SIDE_BY_SIDE:
                thread = threading.Thread(target=self._tell, args=(list(its),), name=f"tell {target}", daemon=True)
                self._telling[target] = thread
                thread.start()
                started.append(thread)
        return started

    def _give_up(self, now_s: float) -> None:
        with self._database.begin() as session:
            old = outbox.give_up(session, now_s - GIVE_UP_S, now_s)
        if old:
            self._metrics.messages.labels("given_up").inc(old)
            _LOG.warning("%d alarms could not be sent for a day and are given up", old)

    def _tell(self, due: Sequence[Due]) -> None:
        """Tell one target of everything; where something does not arrive, the rest waits with it."""
        for one in due:
            if self._ending.is_set() or not self._deliver(one):
                return

    def _deliver(self, one: Due) -> bool:
        when = f"{datetime.fromtimestamp(one.at_s):%Y-%m-%d %H:%M:%S}"  # by the clock on the wall, as quiet hours
        arrived = self._post(one.address, f"maskwise: {one.event.source}", message(one.event, one.count - 1, when))
        now_s = self._now_s()
        self._metrics.messages.labels("sent" if arrived else "failed").inc()
        if not arrived:
            self._again_s[one.target_id] = now_s + min(FIRST_WAIT_S * 2.0 ** min(one.tries, 20), LONGEST_WAIT_S)
            _LOG.warning("an alarm did not arrive at target %d; it is tried again", one.target_id)
        try:
            with self._database.begin() as session:
                if arrived:
                    outbox.sent(session, one, now_s)
                else:
                    outbox.tried(session, one)
        except StorageError as error:  # a full disk must not make it a message a second
            self._again_s[one.target_id] = now_s + LONGEST_WAIT_S
            _LOG.warning("what became of an alarm could not be written down, it may be sent again: %s", error)
            return False
        return arrived

    def _work(self) -> None:
        while not self._ending.wait(LOOK_S):
            try:
                self.look()
            except StorageError as error:  # it may be away for a while
                if not self._away:
                    _LOG.warning("alarms wait until the database can be used again: %s", error)
                self._away = True
            except Exception:  # noqa: BLE001 - logged; later alarms are to be sent all the same
                _LOG.exception("alarms could not be sent")
            else:
                self._away = False
