"""What is written of a stream, row by row: frames that were looked at, people who left, events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from maskwise.inference.sinks import COLUMNS, rows
from maskwise.stream.following.people import Person
from maskwise.stream.outputs.rows import Columns, Kind, Row, open_rows
from maskwise.stream.watching import Moment
from maskwise.values import CLASSES, UNCERTAIN

_PLACE: dict[str, Kind] = {"source": "text", "at": "text"}

_WHOLE = ("index", "width", "height", "face", "track")
_TEXT = ("source", "error", "verdict", "uncertain_because", "track_verdict")

FACES: Columns = {
    **_PLACE,
    **{name: "whole" if name in _WHOLE else "text" if name in _TEXT else "real" for name in COLUMNS},
}
"""Of frames in CSV and Parquet, those of `check --csv`: a row for each face, and one for each frame without one."""

PEOPLE: Columns = {
    **_PLACE,
    **{"track": "whole", "first_s": "real", "last_s": "real", "seconds": "real", "looks": "whole", "verdict": "text"},
    **{f"{name}_s": "real" for name in (*CLASSES, UNCERTAIN)},
}
"""Of people: a row for each, when they have left."""

EVENTS: Columns = {
    **_PLACE,
    **{"kind": "text", "time_s": "real", "person": "whole", "verdict": "text", "was": "text", "zones": "text"},
    **{"line": "text", "way": "text", "seconds": "real"},
}


class Records:
    """One file of rows about one stream; use it as a context."""

    def __init__(
        self,
        path: Path,
        columns: Columns,
        rows_of: Callable[[Moment], Iterator[tuple[float, Row]]],
        source: str,
        began: datetime | None,
    ) -> None:
        """Open the file.

        Args:
            path: see `open_rows`; that of a live source is gone on with, else begun anew.
            columns: of the rows.
            rows_of: (time in the stream, row) for each row of a moment.
            source: the stream's public name.
            began: when a live source began; None for a file, whose times are its own.

        Raises:
            UsageError: a suffix that no rows are written as, or a table of other columns is there.
            StorageError: it cannot be written.
        """
        self._rows_of, self._source, self._began = rows_of, source, began
        self._rows = open_rows(path, columns, go_on=began is not None)

    def __enter__(self) -> Self:
        self._rows.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._rows.__exit__(kind, error, at)

    def look(self, moment: Moment) -> None:
        """Write what there is to be written of a moment.

        Raises:
            StorageError: it cannot be.
        """
        for time_s, row in self._rows_of(moment):
            at = (
                None
                if self._began is None
                else (self._began + timedelta(seconds=time_s)).isoformat("T", "milliseconds")
            )
            self._rows.write({"source": self._source, "at": at, **row})


def frame_records(path: Path, source: str, began: datetime | None = None) -> Records:
    """A row for each frame that was looked at: JSON lines hold whole frames, tables a row for each face."""
    rows_of = _frames if path.suffix.lower() == ".jsonl" else _faces
    return Records(path, FACES, rows_of, source, began)


def track_records(path: Path, source: str, began: datetime | None = None) -> Records:
    """A row for each person, when they have left."""
    return Records(path, PEOPLE, _people, source, began)


def event_records(path: Path, source: str, began: datetime | None = None) -> Records:
    """A row for each event."""
    return Records(path, EVENTS, _events, source, began)


def _frames(moment: Moment) -> Iterator[tuple[float, Row]]:
    if moment.result is not None:
        yield moment.result.time_s or 0.0, moment.result.to_json()


def _faces(moment: Moment) -> Iterator[tuple[float, Row]]:
    if moment.result is not None:
        for row in rows(moment.result):
            yield moment.result.time_s or 0.0, row


def _people(moment: Moment) -> Iterator[tuple[float, Row]]:
    for person in moment.left:
        yield person.first_s, person_json(person)


def person_json(person: Person) -> dict[str, Any]:
    """One person who has left."""
    return {
        "track": person.number,
        "first_s": round(person.first_s, 3),
        "last_s": round(person.last_s, 3),
        "seconds": round(person.last_s - person.first_s, 3),
        "looks": person.looks,
        "verdict": person.summary,
        **{f"{name}_s": round(person.seconds.get(name, 0.0), 3) for name in (*CLASSES, UNCERTAIN)},
    }


def _events(moment: Moment) -> Iterator[tuple[float, Row]]:
    for event in moment.events:
        yield event.time_s, event.to_json()
