"""The audit log of a service: one that is not sound is kept as it is, and another one begun.

A machine that lost its power in the middle of a line comes back by itself.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path

from maskwise.errors import InputError, StorageError
from maskwise.stream.outputs.audit_log import AuditLog, verify

AGAIN_S = 0.5
"""Another program may be writing a line just now: whether one is broken is asked once more after so long."""

log = logging.getLogger(__name__)


def record(path: Path) -> AuditLog:
    """The audit log at a path.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        return AuditLog(path)
    except InputError:
        time.sleep(AGAIN_S)
    found = verify(path)
    if not found.broken:
        return AuditLog(path)
    kept = path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{path.suffix}")
    try:
        path.rename(kept)
    except OSError as error:
        raise StorageError(f"cannot set {path} aside: {error.strerror or error}") from error
    log.error("the audit log is not sound: %s; it is kept as %s, and a new one begun", found.broken, kept.name)
    fresh = AuditLog(path)
    fresh.add("record begun anew", {"by": "maskwise", "kept": kept.name, "because": found.broken, "seal": found.seal})
    return fresh
