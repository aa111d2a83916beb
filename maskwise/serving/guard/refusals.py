"""Who was not let in is recorded, but nobody can fill the disk with it."""

from __future__ import annotations

import logging

from maskwise.serving.guard.rates import Rate
from maskwise.stream.outputs.audit_log import AuditLog

RECORDED_PER_MINUTE = 60
"""Of all clients together; the log has the others."""

log = logging.getLogger(__name__)


class Refusals:
    """Puts on record that somebody was not let in: neither who, nor with what secret."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit, self._rate = audit, Rate(RECORDED_PER_MINUTE)

    def note(self, kind: str) -> None:
        """Record one; blocks while it is written."""
        log.warning("%s", kind)
        if self._rate.wait_s("all") is None:
            self._audit.add(kind, {"by": "unknown"})
