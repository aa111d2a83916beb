"""The newest entries of the audit log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from maskwise.serving.guard.callers import Admin
from maskwise.serving.service import Parts

router = APIRouter(prefix="/v1/audit", tags=["audit"])

BLOCK = 65_536
"""Bytes read at once on the way back from the end."""

LONGEST = 1_000_000
"""Bytes of one line; whatever is longer is no entry, and nothing before it is looked for."""


class EntryJson(BaseModel):
    """Something that was done.

    seal: the hash of it and of all before it; kept elsewhere, it proves the record whole.
    """

    n: int
    at: str
    kind: str
    facts: dict[str, Any]
    seal: str


class AuditJson(BaseModel):
    """Entries, the newest first."""

    entries: list[EntryJson]


@router.get("")
def newest(parts: Parts, _: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> AuditJson:
    """What was done last, and by whom."""
    return AuditJson(entries=list(islice(_entries(parts.settings.audit_log), limit)))


def _entries(path: Path) -> Iterator[EntryJson]:
    """Entries from the end; what is none, as a line that is being written, is passed over."""
    for line in lines_from_end(path):
        try:
            yield EntryJson.model_validate(json.loads(line))
        except ValueError:
            continue


def lines_from_end(path: Path) -> Iterator[bytes]:
    """Lines of a file, the last first, without reading more of it than is asked for."""
    with path.open("rb") as file:
        at, tail = file.seek(0, os.SEEK_END), b""
        while at and len(tail) <= LONGEST:
            step = min(BLOCK, at)
            at = file.seek(at - step)
            first, *lines = (file.read(step) + tail).split(b"\n")
            yield from reversed(lines)
            tail = first
        if not at:
            yield tail
