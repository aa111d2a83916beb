"""How well people were watched, against a list of who was really there: person by person, alarm by alarm.

The list is a CSV with a row for each person and frame, or for fewer times: time_s, person, x_min, y_min, x_max, y_max,
label. Between two rows of a person nothing is judged that is further than half a second from either.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwise.stream.events import Event
from maskwise.stream.watching import Moment
from maskwise.values import UNCERTAIN

OVERLAP = 0.3
"""Of a true and a shown box, from which on they can be the same person."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A person in the list, at one time: (4,) box in pixels."""

    time_s: float
    person: str
    box_xyxy: NDArray[np.float32]
    label: str


@dataclass(slots=True)
class PersonJudged:
    """What became of one person of the list.

    times: at how many times of the list they were to be seen.
    found: at how many a shown person was there; right, uncertain, wrong: what was said then.
    tracks: the numbers they were followed under, in order; every change but the first is a switch.
    """

    times: int = 0
    found: int = 0
    right: int = 0
    uncertain: int = 0
    tracks: list[int] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    @property
    def switches(self) -> int:
        """How often the person got another number."""
        return max(len(self.tracks) - 1, 0)


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms against violations that there were.

    violations: spells in which one person violated for as long as the rules ask.
    told: those of them for which an alarm came, each with its delay in seconds after it was due.
    false: alarms for somebody who did not violate then, or for nobody.
    hours: of the film.
    """

    violations: int
    delays_s: tuple[float, ...]
    false: int
    hours: float

    @property
    def missed(self) -> int:
        """Violations without an alarm."""
        return self.violations - len(self.delays_s)

    @property
    def false_per_hour(self) -> float:
        """False alarms an hour."""
        return self.false / self.hours if self.hours else float("nan")


class Judge:
    """Takes in moments and the list, and says how the one fits the other."""

    def __init__(self, truth: Sequence[Seen], violations: Iterable[str], after_s: float, grace_s: float = 3.0) -> None:
        """grace_s: an alarm so long after a violation ended still belongs to it."""
        self._at: dict[int, list[Seen]] = defaultdict(list)
        for seen in truth:
            self._at[_tick(seen.time_s)].append(seen)
        self._violations, self._after_s, self._grace_s = set(violations), after_s, grace_s
        self._spells = _spells(truth, self._violations, after_s)
        self.people: dict[str, PersonJudged] = defaultdict(PersonJudged)
        self._who: dict[int, str] = {}
        self._alarms: list[Event] = []
        self._last_s = 0.0

    def look(self, moment: Moment) -> None:
        """Compare one frame."""
        time_s = moment.frame.time_s or 0.0
        self._last_s = time_s
        there = self._at.get(_tick(time_s), [])
        shown = list(moment.here)
        for seen, i in _pairs([s.box_xyxy for s in there], [s.box_xyxy for s in shown]):
            judged, one = self.people[there[seen].person], shown[i]
            self._who[one.number] = there[seen].person
            judged.found += 1
            judged.said[one.verdict.label] += 1
            judged.right += one.verdict.label == there[seen].label
            judged.uncertain += one.verdict.label == UNCERTAIN
            if not judged.tracks or judged.tracks[-1] != one.number:
                judged.tracks.append(one.number)
        for seen_ in there:
            self.people[seen_.person].times += 1
        self._alarms += [event for event in moment.events if event.kind == "violated"]

    def alarms(self) -> Alarms:
        """Which alarms were right, which were late, which were for nothing."""
        delays, false, told = [], 0, set()
        for alarm in self._alarms:
            person = self._who.get(alarm.person)
            fits = [
                i
                for i, (who, begin, end) in enumerate(self._spells)
                if who == person and begin <= alarm.time_s <= end + self._grace_s
            ]
            if not fits:
                false += 1
            elif fits[0] not in told:
                told.add(fits[0])
                delays.append(alarm.time_s - self._spells[fits[0]][1] - self._after_s)
        return Alarms(len(self._spells), tuple(delays), false, self._last_s / 3600)


def _tick(time_s: float) -> int:
    return round(time_s * 1000)


def _spells(truth: Sequence[Seen], violations: set[str], after_s: float) -> list[tuple[str, float, float]]:
    """(person, from, to) of every violation that lasts as long as the rules ask."""
    spells: list[tuple[str, float, float]] = []
    people: dict[str, list[Seen]] = defaultdict(list)
    for seen in truth:
        people[seen.person].append(seen)
    for person, rows in people.items():
        begin: float | None = None
        last = 0.0
        for seen in [*sorted(rows, key=lambda s: s.time_s), None]:
            bad = seen is not None and seen.label in violations
            if bad and begin is None and seen is not None:
                begin = seen.time_s
            if not bad and begin is not None:
                if last - begin >= after_s:
                    spells.append((person, begin, last))
                begin = None
            if seen is not None:
                last = seen.time_s
    return spells


def _pairs(true: list[NDArray[np.float32]], shown: list[NDArray[np.float32]]) -> list[tuple[int, int]]:
    """Boxes that belong together, best overlap first, each at most once."""
    overlaps = sorted(((_iou(a, b), i, j) for i, a in enumerate(true) for j, b in enumerate(shown)), reverse=True)
    pairs: list[tuple[int, int]] = []
    for overlap, i, j in overlaps:
        if overlap >= OVERLAP and all(i != k and j != m for k, m in pairs):
            pairs.append((i, j))
    return pairs


def _iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = float(np.maximum(high - low, 0).prod())
    return both / max(float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - both, 1e-6)
