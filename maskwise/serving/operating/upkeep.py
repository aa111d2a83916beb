"""What is due is deleted on time, for as long as the service runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from maskwise.errors import StorageError
from maskwise.serving.store import retention
from maskwise.serving.store.database import Database
from maskwise.stream.outputs.audit_log import AuditLog

EVERY_S = 900.0
"""Nothing stays much longer than this after it was due; a shorter time that was chosen holds as soon."""

log = logging.getLogger(__name__)


class Upkeep:
    """Deletes what is due, at start and then again and again; a context."""

    def __init__(
        self, database: Database, audit: AuditLog, now: Callable[[], float] = time.time, every_s: float = EVERY_S
    ) -> None:
        """Nothing is deleted before it is entered.

        Args:
            database: to delete from.
            audit: told how many went.
            now: seconds since 1970.
            every_s: between looks.
        """
        self._database, self._audit, self._now, self._every_s = database, audit, now, every_s
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ends.set()
        self._thread.join()

    def delete_due(self) -> dict[str, int]:
        """Delete what is due now; returns how many rows of each table went.

        Raises:
            StorageError: the database or the audit log cannot be used.
        """
        gone = retention.delete_older(self._database, self._now(), self._ends.is_set)
        if any(gone.values()):
            self._audit.add("retention", {"by": "maskwise", **gone})
            retention.give_back(self._database, self._ends.is_set)
        return gone

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self.delete_due()
            except StorageError as error:  # it may be back next time
                log.warning("nothing could be deleted: %s", error)
            except Exception:
                log.exception("nothing could be deleted")
            self._ends.wait(self._every_s)
