"""What a stream came to: people, each counted once, how long they stayed, and how many wore their mask.

Takes in one moment after another and forgets it: whoever leaves becomes a few counts, times go into a sketch of their
quantiles, the timeline into a fixed number of bins. A week takes no more memory than a minute; only those in sight are
held one by one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from maskwise.errors import DataError
from maskwise.statistics.metrics import UNDEFINED, Figure, score_interval
from maskwise.statistics.prevalence import Z, true_share
from maskwise.statistics.sketch import OFF_BY, Sketch
from maskwise.stream.following.events import KINDS, Event, Rules
from maskwise.stream.following.people import Person
from maskwise.stream.following.zones import middle
from maskwise.stream.report.error_rates import ErrorRates
from maskwise.stream.report.timeline import VERDICTS, Timeline
from maskwise.stream.watching import Moment
from maskwise.values import MASKED, UNCERTAIN

FEWEST_LOOKS = 3
"""Whoever was found less often is a glimpse and no person: false alarms of a detector rarely last, people do."""

LONGEST_STEP_S = 2.0
"""Between two frames; of a longer silence nobody knows who was there."""

NOT_GIVEN = "no error rates were given"


@dataclass(slots=True)
class _Ratio:
    """Masked seconds against answered seconds, person by person: what a ratio of sums and its spread need."""

    people: int = 0
    masked: float = 0.0
    answered: float = 0.0
    masked_squared: float = 0.0
    answered_squared: float = 0.0
    both: float = 0.0

    def add(self, masked: float, answered: float) -> None:
        if answered > 0:
            self.people += 1
            self.masked += masked
            self.answered += answered
            self.masked_squared += masked * masked
            self.answered_squared += answered * answered
            self.both += masked * answered

    def figure(self) -> Figure:
        """The share of time, with Wilson's interval at the effective number of people.

        Whoever stays long counts for much, and times of one person belong together: the spread is that of a ratio of
        sums over people (Cochran 1977, Sampling techniques, section 6.3), and no more people are counted than times so
        unequal are worth (Kish 1965, Survey sampling).
        """
        if not self.people:
            return UNDEFINED
        share = self.masked / self.answered
        worth = self.answered**2 / self.answered_squared
        squares = self.masked_squared - 2 * share * self.both + share**2 * self.answered_squared
        if self.people > 1 and squares > 1e-9 * self.answered_squared:
            variance = self.people / (self.people - 1) * squares / self.answered**2
            worth = min(worth, max(share * (1 - share) / variance, 1.0))
        low, high = score_interval(share * worth, worth, Z)
        return Figure(share, min(low, share), max(high, share), self.people)


@dataclass(slots=True)
class _Tally:
    """Counts of people who have been looked at to the end."""

    people: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    glimpses: int = 0
    dwell: Sketch = field(default_factory=Sketch)
    time: _Ratio = field(default_factory=_Ratio)
    zones: dict[str, Counter[str]] = field(default_factory=dict)
    zone_dwell: dict[str, Sketch] = field(default_factory=dict)

    def add(self, person: Person, zones: Mapping[str, float]) -> None:
        if person.looks < FEWEST_LOOKS:
            self.glimpses += 1
            return
        verdict = person.summary
        self.people[verdict] += 1
        self.seconds.update(person.seconds)
        self.dwell.add(person.last_s - person.first_s)
        answered = math.fsum(seconds for label, seconds in person.seconds.items() if label != UNCERTAIN)
        self.time.add(person.seconds.get(MASKED, 0.0), answered)
        for name, seconds in zones.items():
            self.zones.setdefault(name, Counter())[verdict] += 1
            self.zone_dwell.setdefault(name, Sketch()).add(seconds)


@dataclass(slots=True)
class _InSight:
    """Somebody who is there, and for how long in which zone."""

    person: Person
    zones: dict[str, float] = field(default_factory=dict)


class Summary:
    """Sums up a stream; give it every moment, in order.

    source: the stream's public name.
    frames, looks: so far; looks are frames in which faces were looked for.
    """

    def __init__(
        self,
        source: str,
        labels: tuple[str, ...],
        rules: Rules | None = None,
        rates: ErrorRates | str = NOT_GIVEN,
    ) -> None:
        """Begin.

        Args:
            source: the stream's public name.
            labels: the model's classes.
            rules: with the zones and lines to count at.
            rates: by which compliance is corrected, or in words why there are none; see `error_rates`.
        """
        self.source, self.labels, self.rules, self.rates = source, labels, rules or Rules(), rates
        self.frames = self.looks = 0
        self._first_s: float | None = None
        self._last_s = 0.0
        self._last_here: Counter[str] = Counter()
        self._here: dict[int, _InSight] = {}
        self._gone = _Tally()
        self._most = 0
        self._events: Counter[str] = Counter()
        self._lines: Counter[tuple[str, str]] = Counter()
        self._timeline = Timeline()

    def look(self, moment: Moment) -> None:
        """Take in one moment; nothing of it is kept."""
        time_s = moment.frame.time_s or 0.0
        if self._first_s is None:
            self._first_s = self._last_s = time_s
        passed = min(max(time_s - self._last_s, 0.0), LONGEST_STEP_S)
        self._timeline.spend(self._last_s, passed, self._last_here)
        self.frames += not moment.ended
        self._last_s = time_s
        self._last_here = Counter(shown.verdict.label for shown in moment.here)
        if moment.result is not None:
            self.looks += 1
            self._found(moment, time_s)
        for event in moment.events:
            self._happened(event)
        for person in moment.left:
            here = self._here.pop(person.number, None)
            self._gone.add(person, here.zones if here else {})
        self._most = max(self._most, self.now)

    @property
    def now(self) -> int:
        """How many people are in sight, glimpses not counted."""
        return sum(here.person.looks >= FEWEST_LOOKS for here in self._here.values())

    @property
    def here(self) -> dict[int, Person]:
        """Everyone in sight by number, as they are now, glimpses too."""
        return {number: here.person for number, here in self._here.items()}

    @property
    def last_s(self) -> float:
        """Time of the last frame."""
        return self._last_s

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return 0.0 if self._first_s is None else self._last_s - self._first_s

    def _found(self, moment: Moment, time_s: float) -> None:
        """Those found in this frame: as `People` does it, so that whoever is still there can be counted at any time."""
        found, (height, width) = set(moment.numbers), moment.frame.image.shape[:2]
        for shown in moment.here:
            if shown.number not in found:
                continue
            here = self._here.get(shown.number)
            if here is None:
                person = Person(shown.number, time_s, time_s, shown.box_xyxy, shown.verdict)
                here = self._here[shown.number] = _InSight(person)
                passed = 0.0
            else:
                passed = time_s - here.person.last_s
                here.person.found(shown.box_xyxy, shown.verdict, time_s)
            for zone in self.rules.zones:
                if zone.holds(middle(shown.box_xyxy, width, height)):
                    here.zones[zone.name] = here.zones.get(zone.name, 0.0) + passed

    def _happened(self, event: Event) -> None:
        self._events[event.kind] += 1
        self._timeline.mark(event.time_s, event.kind)
        if event.line is not None and event.way is not None:
            self._lines[event.line, event.way] += 1

    def to_json(self) -> dict[str, Any]:
        """Everything so far, whoever is in sight counted as they are now; docs/reference/summary.md describes it."""
        tally = deepcopy(self._gone)
        for here in self._here.values():
            tally.add(here.person, here.zones)
        return {
            "source": self.source,
            "labels": list(self.labels),
            "frames": self.frames,
            "looks": self.looks,
            "seconds": round(self.seconds, 3),
            "people": {
                "n": tally.people.total(),
                "by_verdict": _by_verdict(tally.people),
                "glimpses": tally.glimpses,
                "now": self.now,
                "most_at_once": self._most,
            },
            "seconds_in_sight": {verdict: round(tally.seconds[verdict], 3) for verdict in VERDICTS},
            "dwell_s": _dwell(tally.dwell),
            "compliance": compliance(tally.people, self.rates) | {"by_time": tally.time.figure().to_json()},
            "error_rates": self.rates.to_json() if isinstance(self.rates, ErrorRates) else None,
            "events": {kind: self._events[kind] for kind in KINDS},
            "zones": {zone.name: _zone(tally, zone.name) for zone in self.rules.zones},
            "lines": {
                line.name: {way: self._lines[line.name, way] for way in ("to_left", "to_right")}
                for line in self.rules.lines
            },
            "timeline": self._timeline.to_json(),
        }


def compliance(people: Mapping[str, int], rates: ErrorRates | str = NOT_GIVEN) -> dict[str, Any]:
    """How many wear their mask as they should, of those about whom there is an answer.

    Args:
        people: number by verdict.
        rates: by which it is corrected, or in words why there are none.

    Returns:
        by_person: masked / (masked + incorrect + unmasked).
        if_uncertain_masked, if_uncertain_unmasked: the same, were everybody masked about whom there is no answer, and
            were nobody of them.
        uncertain: share of all people about whom there is no answer.
        corrected: what `by_person` would be if the model made no mistakes (Rogan & Gladen 1978), its interval knowing
            that the error rates were measured on few; None where it cannot be had.
        corrected_because: why not, in words.
    """
    masked, uncertain = people.get(MASKED, 0), people.get(UNCERTAIN, 0)
    everybody = sum(people.values())
    corrected, because = _corrected(masked, everybody - uncertain, rates)
    return {
        "by_person": _share(masked, everybody - uncertain),
        "if_uncertain_masked": _share(masked + uncertain, everybody),
        "if_uncertain_unmasked": _share(masked, everybody),
        "uncertain": _share(uncertain, everybody),
        "corrected": corrected,
        "corrected_because": because,
    }


def _corrected(masked: int, n: int, rates: ErrorRates | str) -> tuple[dict[str, Any] | None, str | None]:
    if isinstance(rates, str):
        return None, rates
    if not n:
        return None, "there is nobody about whom there is an answer"
    se, sp = rates.sensitivity, rates.specificity
    try:
        return true_share(masked, n, (se.value, se.n), (sp.value, sp.n)).to_json(), None
    except DataError as error:
        return None, str(error)


def _share(part: int, whole: int) -> dict[str, Any]:
    """A share with Wilson's 95 % interval."""
    figure = Figure(part / whole, *score_interval(part, whole, Z), whole) if whole else UNDEFINED
    return figure.to_json()


def _by_verdict(people: Mapping[str, int]) -> dict[str, int]:
    return {verdict: people.get(verdict, 0) for verdict in VERDICTS}


def _dwell(sketch: Sketch) -> dict[str, Any]:
    """Times in sight; quantiles within OFF_BY of themselves."""
    figures = {
        "mean": sketch.mean,
        "p10": sketch.quantile(0.1),
        "median": sketch.quantile(0.5),
        "p90": sketch.quantile(0.9),
        "longest": sketch.largest if sketch.n else math.nan,
    }
    rounded = {name: None if math.isnan(value) else round(value, 3) for name, value in figures.items()}
    return {"n": sketch.n, **rounded, "quantiles_within": OFF_BY}


def _zone(tally: _Tally, name: str) -> dict[str, Any]:
    people = tally.zones.get(name, Counter())
    return {
        "people": people.total(),
        "by_verdict": _by_verdict(people),
        "compliance": compliance(people)["by_person"],
        "dwell_s": _dwell(tally.zone_dwell.get(name, Sketch())),
    }
