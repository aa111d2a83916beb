"""Alarms on their way: a thread sends what waits in the outbox, and tries again what did not arrive.

What was sent is marked after it was sent, so whatever ends the process in between, each alarm arrives at least once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

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
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sending", daemon=True)
        for outcome in ("sent", "failed", "given_up"):
            metrics.messages.labels(outcome)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()

    def look(self) -> int:
        """Send what is due now; how many messages went out."""
        now_s, choice = self._now_s(), self._choices.now
        with self._database.begin() as session:
            old = outbox.give_up(session, now_s - GIVE_UP_S)
        if old:
            self._metrics.messages.labels("given_up").inc(old)
            _LOG.warning("%d alarms could not be sent for a day and are given up", old)
        alerting = Alerting(pause_s=choice.pause_s, quiet=choice.quiet_times())
        if alerting.is_quiet(datetime.fromtimestamp(now_s).time()):
            return 0
        with self._database.begin() as session:
            waiting = outbox.due(session)
        return sum(self._deliver(one) for one in waiting if self._is_time(one, now_s, choice.pause_s))

    def _is_time(self, one: Due, now_s: float, pause_s: float) -> bool:
        """Whether the pause is over, and the wait after what did not arrive."""
        paused = one.last_s is not None and now_s - one.last_s < pause_s
        return not paused and now_s >= self._again_s.get(one.target_id, 0.0) and not self._ending.is_set()

    def _deliver(self, one: Due) -> bool:
        arrived = self._post(one.address, f"maskwise: {one.event.source}", message(one.event, len(one.messages) - 1))
        now_s = self._now_s()
        with self._database.begin() as session:
            if arrived:
                outbox.sent(session, one.messages, now_s)
            else:
                outbox.tried(session, one.messages)
        self._metrics.messages.labels("sent" if arrived else "failed").inc()
        if arrived:
            self._again_s.pop(one.target_id, None)
        else:
            self._again_s[one.target_id] = now_s + min(FIRST_WAIT_S * 2.0 ** min(one.tries, 20), LONGEST_WAIT_S)
            _LOG.warning("an alarm did not arrive at target %d; it is tried again", one.target_id)
        return arrived

    def _work(self) -> None:
        while not self._ending.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - the database may be away for a while; alarms are tried again
                _LOG.exception("alarms could not be sent")
