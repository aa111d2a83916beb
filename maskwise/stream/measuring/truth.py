"""Who is really in a film: the list that a person made of it, read and asked for any time.

The list is a CSV with a row for each person and time: time_s, person, x_min, y_min, x_max, y_max, label. Not every
frame needs rows: between two rows of a person that are a second apart at most, the box lies between theirs and the
label is that of the row before. A longer gap means that the person was out of sight.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError
from maskwise.values import CLASSES

COLUMNS = ("time_s", "person", "x_min", "y_min", "x_max", "y_max", "label")

NEAR_S = 0.5
"""Nobody knows what a person did further than this from the nearest row."""

ALONE_S = 0.02
"""A row without another one near tells of the frame at its own time, and clocks differ by so much."""

LARGEST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A person in the list, at one time: (4,) box in pixels, and the class."""

    time_s: float
    person: str
    box_xyxy: NDArray[np.float32]
    label: str


@dataclass(frozen=True, slots=True)
class Spell:
    """A person with one label without a break.

    stay: counts from 0 how often the person had come into sight by then.
    """

    person: str
    stay: int
    label: str
    from_s: float
    to_s: float


class Truth:
    """The list, by person."""

    def __init__(self, rows: Iterable[Seen]) -> None:
        """rows: in any order; no person twice at one time."""
        people: dict[str, list[Seen]] = defaultdict(list)
        for seen in rows:
            people[seen.person].append(seen)
        self._rows = {person: sorted(rows, key=lambda seen: seen.time_s) for person, rows in people.items()}
        self._times = {person: [seen.time_s for seen in rows] for person, rows in self._rows.items()}

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody's name, in the order of the list."""
        return tuple(self._rows)

    def at(self, time_s: float) -> list[Seen]:
        """Everybody who is in sight at a time."""
        there = (self._one_at(person, time_s) for person in self._rows)
        return [seen for seen in there if seen is not None]

    def spells(self) -> list[Spell]:
        """Every person's labels in order of time; each holds until the next row."""
        return [spell for person, rows in self._rows.items() for spell in _spells(person, rows)]

    def _one_at(self, person: str, time_s: float) -> Seen | None:
        rows = self._rows[person]
        after = bisect_right(self._times[person], time_s)
        before = rows[after - 1] if after else None
        following = rows[after] if after < len(rows) else None
        if before and following and _joined(before, following):
            share = np.float32((time_s - before.time_s) / (following.time_s - before.time_s))
            box = before.box_xyxy + (following.box_xyxy - before.box_xyxy) * share
            return Seen(time_s, person, box, before.label)
        for row in (before, following):
            if row and abs(row.time_s - time_s) <= ALONE_S:
                return Seen(time_s, person, row.box_xyxy, row.label)
        return None


def read_truth(path: Path) -> Truth:
    """Read the list.

    Args:
        path: CSV in UTF-8, comma between; further columns are passed over.

    Raises:
        DataError: it cannot be read, or a line cannot be true; says which and why.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError(f"{path}: larger than {LARGEST_BYTES / 1e6:.0f} MB; a row a second for each person will do")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a list of people: {error}") from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{path}, line 1: no column {', '.join(missing)}; a list of people has {', '.join(COLUMNS)}")
    rows: dict[tuple[str, float], Seen] = {}
    try:
        for row in reader:
            _add(rows, _seen(row))
    except (DataError, csv.Error) as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from error
    if not rows:
        raise DataError(f"{path}: nobody is in it; give a row for each person and time")
    return Truth(rows.values())


def _add(rows: dict[tuple[str, float], Seen], seen: Seen) -> None:
    if (seen.person, seen.time_s) in rows:
        raise DataError(f"person {seen.person} is there twice at {seen.time_s:g} s; keep one of the rows")
    rows[seen.person, seen.time_s] = seen


def _seen(row: dict[str, str | None]) -> Seen:
    time_s, *box = (_number(row, name) for name in ("time_s", "x_min", "y_min", "x_max", "y_max"))
    person, label = (row["person"] or "").strip(), (row["label"] or "").strip()
    if time_s < 0:
        raise DataError(f"time_s {time_s:g} is below 0; times are seconds since the film began")
    if box[0] >= box[2] or box[1] >= box[3]:
        raise DataError(f"box {box} is inside out or empty; give x_min < x_max and y_min < y_max in pixels")
    if not person:
        raise DataError("no person; give everybody a name or number of their own")
    if label not in CLASSES:
        raise DataError(f"label {label!r} is not one of {', '.join(CLASSES)}")
    return Seen(time_s, person, np.array(box, np.float32), label)


def _number(row: dict[str, str | None], name: str) -> float:
    try:
        value = float(row[name] or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{name} {row[name]!r} is not a number")
    return value


def _joined(before: Seen, after: Seen) -> bool:
    """Whether the person stayed in sight between two rows."""
    return after.time_s - before.time_s <= 2 * NEAR_S + 1e-9


def _spells(person: str, rows: Sequence[Seen]) -> list[Spell]:
    spells, stay, from_s = [], 0, rows[0].time_s
    for i, row in enumerate(rows):
        following = rows[i + 1] if i + 1 < len(rows) else None
        if following is None or not _joined(row, following):
            spells.append(Spell(person, stay, row.label, from_s, row.time_s))
            stay += 1
            from_s = following.time_s if following else math.nan
        elif following.label != row.label:
            spells.append(Spell(person, stay, row.label, from_s, following.time_s))
            from_s = following.time_s
    return spells
