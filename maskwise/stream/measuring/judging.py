"""How well people were watched, against the list of who was really there: person by person, alarm by alarm."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.statistics.metrics import UNDEFINED, Figure, wilson
from maskwise.statistics.rates import median_of, rate
from maskwise.stream.following.events import Rules
from maskwise.stream.following.overlap import paired
from maskwise.stream.measuring.truth import Seen, Spell, Truth
from maskwise.stream.watching import Moment, Shown
from maskwise.values import UNCERTAIN, overlaps

OVERLAP = 0.3
"""Of a true and a shown box, from which on they can be the same person."""

GRACE_S = 3.0
"""An alarm so long after a violation ended still belongs to it: it was under way."""


@dataclass(slots=True)
class PersonJudged:
    """What became of one person of the list; times are frames.

    times: at how many times of the list they were to be seen.
    found: at how many a shown person was there; right, uncertain: what was said then.
    seconds: from a time in sight to the next one.
    worn, said: at how many times found each class was true, and each verdict said.
    tracks: the numbers they were followed under, in order.
    switches: how often the number changed while they were in sight.
    changes: how often what was said changed after a first answer; needed: how often the truth did, in the same time.
    """

    times: int = 0
    found: int = 0
    right: int = 0
    uncertain: int = 0
    seconds: float = 0.0
    worn: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    tracks: list[int] = field(default_factory=list)
    switches: int = 0
    changes: int = 0
    needed: int = 0

    @property
    def label(self) -> str:
        """The class that was true for longest; of somebody who was never found, `uncertain`."""
        return self.worn.most_common(1)[0][0] if self.worn else UNCERTAIN

    @property
    def summary(self) -> str:
        """The verdict said for longest, `uncertain` only where there was no other."""
        answers = Counter({label: count for label, count in self.said.items() if label != UNCERTAIN})
        return answers.most_common(1)[0][0] if answers else UNCERTAIN

    @property
    def flicker(self) -> int:
        """Changes of what was said beyond those that there were."""
        return max(self.changes - self.needed, 0)

    def to_json(self) -> dict[str, Any]:
        """One entry of `people` in video-report.json."""
        return {
            "label": self.label,
            "said": self.summary,
            "right_person": bool(self.found) and self.label == self.summary,
            "seconds": round(self.seconds, 3),
            "right": _json(_share(self.right, self.found)),
            "uncertain": _json(_share(self.uncertain, self.found)),
            "found": _json(_share(self.found, self.times)),
            "tracks": self.tracks,
            "switches": self.switches,
            "flicker": self.flicker,
        }


@dataclass(slots=True)
class _Stay:
    """What was known of a person while in sight; forgotten with the stay."""

    time_s: float
    worn: str
    number: int | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms against violations that there were.

    due: spells of violation that lasted for as long as the rules ask.
    delays_s: of those that were told, how long after it was due; below 0 where it came early.
    repeated: alarms for a violation that had been told, as to a person under a new number.
    false: alarms for somebody who did not violate for so long, or for nobody.
    hours: of the film.
    """

    due: int
    delays_s: tuple[float, ...]
    repeated: int
    false: int
    hours: float

    @property
    def missed(self) -> int:
        """Violations without an alarm."""
        return self.due - len(self.delays_s)


class Judge:
    """Takes in the moments of a film, in order, and says how they fit the list."""

    def __init__(self, truth: Truth, rules: Rules) -> None:
        """rules: those that the film is watched by."""
        self._truth, self._rules = truth, rules
        self._spells = truth.spells()
        self._first_right: dict[Spell, float] = {}
        self._waiting: dict[str, deque[Spell]] = defaultdict(deque)
        for spell in self._spells:
            self._waiting[spell.person].append(spell)
        self.people: dict[str, PersonJudged] = {person: PersonJudged() for person in truth.people}
        self._stays: dict[str, _Stay] = {}
        self._who: dict[int, str] = {}
        self._alarms: list[tuple[float, str | None]] = []
        self._shown: set[int] = set()
        self._last_s = 0.0

    def look(self, moment: Moment) -> None:
        """Compare one frame."""
        if moment.ended:  # its frame was compared already, and whoever leaves with the film raises no alarm
            return
        self._last_s = time_s = moment.frame.time_s or 0.0
        there, shown = self._truth.at(time_s), list(moment.here)
        self._shown |= {one.number for one in shown}
        stays = {seen.person: self._stay(seen) for seen in there}
        table = overlaps(_boxes([seen.box_xyxy for seen in there]), _boxes([one.box_xyxy for one in shown]))
        for row, column in paired(table, OVERLAP):
            seen, one = there[row], shown[column]
            self._who[one.number] = seen.person
            self._found(self.people[seen.person], stays[seen.person], seen, one)
        self._stays = stays
        for event in moment.events:
            if event.kind == "violated":
                self._alarms.append((event.time_s, self._who.get(event.person)))

    def alarms(self) -> Alarms:
        """Which alarms were right, which were late, which were for nothing."""
        spells = _violations(self._spells, self._rules)
        delays: dict[Spell, float] = {}
        repeated = false = 0
        for time_s, person in self._alarms:
            fits = [s for s in spells if s.person == person and s.from_s <= time_s <= s.to_s + GRACE_S]
            new = [spell for spell in fits if spell not in delays]
            if new:
                delays[new[0]] = time_s - new[0].from_s - self._rules.after_s
            repeated += bool(fits) and not new
            false += not fits
        return Alarms(len(spells), tuple(delays.values()), repeated, false, self._last_s / 3600)

    def to_json(self) -> dict[str, Any]:
        """Every figure; docs/reference/video-report.md describes it."""
        people, alarms = self.people.values(), self.alarms()
        entries = [{"person": person, **judged.to_json()} for person, judged in self.people.items()]
        found, times = sum(p.found for p in people), sum(p.times for p in people)
        minutes = sum(p.seconds for p in people) / 60
        first, later = self.waits(first=True), self.waits(first=False)
        return {
            "seconds": round(self._last_s, 3),
            "after_s": self._rules.after_s,
            "violations": list(self._rules.violations),
            "persons_right": _json(_counted(sum(entry["right_person"] for entry in entries), len(entries))),
            "right": _json(_by_person(sum(p.right for p in people), found, len(people))),
            "uncertain": _json(_by_person(sum(p.uncertain for p in people), found, len(people))),
            "found": _json(_by_person(found, times, len(people))),
            "first_right_s": _json(median_of(first)) | {"never": sum(map(math.isinf, first))},
            "changed_right_s": _json(median_of(later)) | {"never": sum(map(math.isinf, later))},
            "alarms": {
                "due": alarms.due,
                "missed": alarms.missed,
                "repeated": alarms.repeated,
                "false": alarms.false,
                "told": _json(_counted(len(alarms.delays_s), alarms.due)),
                "delay_s": _json(median_of(alarms.delays_s)),
                "longest_delay_s": _json(_plain(max(alarms.delays_s, default=math.nan), len(alarms.delays_s))),
            },
            "false_alarms_per_hour": _json(rate(alarms.false, alarms.hours)),
            "switches_per_person_minute": _json(rate(sum(p.switches for p in people), minutes)),
            "flicker_per_person_minute": _json(rate(sum(p.flicker for p in people), minutes)),
            "nobody": len(self._shown - self._who.keys()),
            "people": entries,
        }

    def _stay(self, seen: Seen) -> _Stay:
        """Somebody of the list is in sight."""
        judged, stay = self.people[seen.person], self._stays.get(seen.person)
        judged.times += 1
        if stay is None:
            return _Stay(seen.time_s, seen.label)
        judged.seconds += seen.time_s - stay.time_s
        judged.needed += stay.said is not None and seen.label != stay.worn
        stay.time_s, stay.worn = seen.time_s, seen.label
        return stay

    def _found(self, judged: PersonJudged, stay: _Stay, seen: Seen, one: Shown) -> None:
        """Somebody of the list is shown, and something is said."""
        said = one.verdict.label
        judged.found += 1
        judged.right += said == seen.label
        judged.uncertain += said == UNCERTAIN
        judged.worn[seen.label] += 1
        judged.said[said] += 1
        if stay.number != one.number:
            judged.switches += stay.number is not None
            judged.tracks.append(one.number)
        if stay.said is not None or said != UNCERTAIN:
            judged.changes += stay.said is not None and said != stay.said
            stay.said = said
        stay.number = one.number
        waiting = self._waiting[seen.person]
        while waiting and waiting[0].to_s < seen.time_s:
            waiting.popleft()
        for spell in list(waiting)[:2]:  # one ends where the next begins
            if said == seen.label == spell.label and spell.from_s <= seen.time_s:
                self._first_right.setdefault(spell, seen.time_s)

    def waits(self, *, first: bool) -> list[float]:
        """Seconds until what was said was right, infinite where it never was.

        Args:
            first: of people who came into sight; else of those who changed something.
        """
        spells = [spell for i, spell in enumerate(self._spells) if first == self._comes(i)]
        return [self._first_right.get(spell, math.inf) - spell.from_s for spell in spells]

    def _comes(self, i: int) -> bool:
        before, spell = self._spells[i - 1], self._spells[i]
        return not i or (before.person, before.stay) != (spell.person, spell.stay)


def _violations(spells: Sequence[Spell], rules: Rules) -> list[Spell]:
    """Spells of violation that are to be told; one violation after another is one spell."""
    joined: list[Spell] = []
    for spell in spells:
        if spell.label not in rules.violations:
            continue
        last = joined[-1] if joined else None
        if last and (last.person, last.stay, last.to_s) == (spell.person, spell.stay, spell.from_s):
            joined[-1] = Spell(last.person, last.stay, last.label, last.from_s, spell.to_s)
        else:
            joined.append(spell)
    return [spell for spell in joined if spell.to_s - spell.from_s >= rules.after_s - 1e-9]


def _boxes(boxes: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _plain(value: float, n: int) -> Figure:
    """A figure without an interval: one person's frames are not independent of each other."""
    return Figure(value, math.nan, math.nan, n)


def _share(part: int, n: int) -> Figure:
    return _plain(part / n, n) if n else UNDEFINED


def _counted(part: int, n: int) -> Figure:
    return Figure(part / n, *wilson(part, n), n) if n else UNDEFINED


def _by_person(part: int, frames: int, people: int) -> Figure:
    """A share of frames; its interval takes each person for one trial, however long in sight: rather too wide."""
    if not frames:
        return UNDEFINED
    return Figure(part / frames, *wilson(part / frames * people, people), people)


def _json(figure: Figure) -> dict[str, float | int | None]:
    """{"value", "low", "high", "n"}; null for what is not known or never happened."""
    values = figure.to_json()
    return {key: None if value is None or math.isinf(value) else value for key, value in values.items()}
