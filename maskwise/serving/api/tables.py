"""Tables for spreadsheets: CSV, a line at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet would run."""

CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A table, RFC 4180.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
"""For the `responses` of routes."""


def answer(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    """A table to be saved under this name; rows are taken as they are sent."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(columns, rows), media_type="text/csv", headers=headers)


def _lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield _line(columns)
    for row in rows:
        yield _line([row[column] for column in columns])


def _line(cells: Sequence[Any]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_safe(cell) for cell in cells])
    return written.getvalue()


def _safe(cell: Any) -> Any:
    """Names are chosen by people: none may run as a formula on the machine of whoever opens the table."""
    if isinstance(cell, list | tuple):
        cell = "; ".join(cell)
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
