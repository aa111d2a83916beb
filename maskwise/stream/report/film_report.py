"""The report of a film or stream as one HTML page: what was seen over time, who, and what happened.

The page is one file. It runs no script, fetches nothing and forbids both by its own policy, so that it can be mailed,
archived and opened anywhere. While the stream goes on, no more is held than the page will show: the most telling 200
people with six small pictures each, and the most important 1,000 events.
"""

from __future__ import annotations

import base64
import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from maskwise.errors import StorageError
from maskwise.model.artifact import ModelCard
from maskwise.model.storage import write_text
from maskwise.pages.template import template
from maskwise.stream.following.events import Event
from maskwise.stream.following.people import Person
from maskwise.stream.outputs.blur import Blur, parse_blur
from maskwise.stream.report import film_charts as charts
from maskwise.stream.report.strips import Strip, shot_of
from maskwise.stream.report.summary import FEWEST_LOOKS, Summary
from maskwise.stream.report.timeline import VERDICTS
from maskwise.stream.watching import Moment
from maskwise.values import MASKED, UNCERTAIN

TEMPLATE = Path(__file__).with_name("film.html.jinja")

PEOPLE, EVENTS = 200, 1_000
"""On the page, at most."""

LONG = 12
"""Films so many times as long as people stay: a person's bar is then the time in sight, or it would be a speck."""

IMPORTANCE = {"violated": 3, "complied": 2, "crossed": 1, "changed": 1, "appeared": 0, "left": 0}
"""Where there are too many events, which kinds stay."""

HIDDEN = {
    "all": "every face that was found is hidden",
    "unmasked": "every face is hidden that was not said to be masked at that moment",
    "none": "faces are shown, as was asked for",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """A person for the page."""

    number: int
    first_s: float
    last_s: float
    verdict: str
    alarms: int
    strip: Strip

    @property
    def rank(self) -> tuple[int, bool, float, int]:
        """Who tells most: alarms first, then whoever was not masked, then whoever stayed long."""
        plain = self.verdict in (MASKED, UNCERTAIN)
        return self.alarms, not plain, self.last_s - self.first_s, -self.number


class FilmReport:
    """Takes in moments and writes the page when it is closed, also after an error or an interruption.

    summary: what the moments came to; the report feeds it, so give it no moment yourself.
    """

    def __init__(
        self,
        path: Path,
        summary: Summary,
        card: ModelCard | None = None,
        blur: Blur = "all",
        title: str | None = None,
        pictures: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Begin; the file is written at the end.

        Args:
            path: of the page; a file there is replaced.
            summary: that has not seen anything yet.
            card: of the model that answers.
            blur: whose face is hidden in the pictures.
            title: of the page; the stream's public name if None.
            pictures: whether the page may hold pictures of people at all.
            settings: further rows of how the stream was watched: name and value, as the page is to show them.

        Raises:
            ConfigError: blur is none of the words allowed.
            StorageError: the page can clearly not be written there.
        """
        if path.is_dir():
            raise StorageError(
                f"cannot write {path}: it is a folder; name a file in it, for example {path / 'film.html'}"
            )
        self._path, self.summary, self._card = path, summary, card
        self._blur, self._pictures = parse_blur(blur), pictures
        self._title, self._settings = title or summary.source, dict(settings or {})
        self._strips: dict[int, Strip] = {}
        self._alarms: dict[int, int] = {}
        self._people: list[tuple[tuple[int, bool, float, int], _Told]] = []
        self._events: list[tuple[int, int, Event]] = []
        self._told = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close(interrupted=error is not None)

    def look(self, moment: Moment) -> None:
        """Take in one moment; of its picture at most some small parts are kept, with faces hidden as asked."""
        self.summary.look(moment)
        for event in moment.events:
            self._tell(event)
        if moment.result is not None:
            found, time_s = set(moment.numbers), moment.frame.time_s or 0.0
            for shown in moment.here:
                if shown.number in found:
                    take = partial(shot_of, moment, shown, self._blur) if self._pictures else None
                    self._strips.setdefault(shown.number, Strip()).look(time_s, shown.verdict.label, take)
        for person in moment.left:
            self._keep(person)

    def close(self, interrupted: bool = False) -> None:
        """Write the page; whoever is still in sight is on it as they are now. Closing again does nothing.

        Args:
            interrupted: the stream had not ended; the page says so.

        Raises:
            StorageError: it cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        for person in self.summary.here.values():
            self._keep(person)
        page = self._render(interrupted)
        write_text(self._path, page.encode("utf-8", "backslashreplace").decode("utf-8"))  # names of files may be odd

    def _tell(self, event: Event) -> None:
        self._told += 1
        if event.kind == "violated":
            self._alarms[event.person] = self._alarms.get(event.person, 0) + 1
        _push(self._events, (IMPORTANCE[event.kind], self._told, event), EVENTS)

    def _keep(self, person: Person) -> None:
        strip, alarms = self._strips.pop(person.number, Strip()), self._alarms.pop(person.number, 0)
        if person.looks >= FEWEST_LOOKS:
            told = _Told(person.number, person.first_s, person.last_s, person.summary, alarms, strip)
            _push(self._people, (told.rank, told), PEOPLE)

    def _render(self, interrupted: bool) -> str:
        content, end_s = self.summary.to_json(), self.summary.last_s
        people = sorted((told for _, told in self._people), key=lambda told: (told.first_s, told.number))
        events = sorted((event for _, _, event in self._events), key=lambda event: event.time_s)
        timeline = charts.coarser(content["timeline"])
        whole = end_s <= LONG * (content["dwell_s"]["median"] or 0.0)
        return template(TEMPLATE).render(
            r=content,
            title=self._title,
            interrupted=interrupted,
            pictures=self._pictures,
            hidden=HIDDEN[self._blur],
            rules=self.summary.rules,
            card=self._card,
            settings=self._settings,
            verdicts=VERDICTS,
            chart=charts,
            end_s=end_s,
            clock=lambda time_s: charts.clock(time_s, end_s),
            lasting=charts.lasting,
            ticks=charts.ticks(end_s),
            shares=charts.shares(timeline, end_s),
            crowd=charts.crowd(timeline, end_s),
            marks={kind: charts.marks(timeline, kind, end_s) for kind in timeline["events"]},
            timeline=timeline,
            bars_whole=whole,
            people=[_row(told, *((0.0, end_s) if whole else (told.first_s, told.last_s))) for told in people],
            people_left_out=content["people"]["n"] - len(people),
            events=[event.to_json() for event in events],
            events_left_out=self._told - len(events),
        )


def _push(heap: list[Any], item: Any, most: int) -> None:
    """Add to a heap that holds the `most` highest."""
    if len(heap) < most:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def _row(told: _Told, from_s: float, to_s: float) -> dict[str, Any]:
    """A person as the template wants it, with a bar that reaches from one time to another."""
    return {
        "number": told.number,
        "first_s": told.first_s,
        "last_s": told.last_s,
        "dwell_s": told.last_s - told.first_s,
        "verdict": told.verdict,
        "alarms": told.alarms,
        "bars": charts.bars(told.strip.spells, from_s, to_s),
        "shots": [
            {
                "time_s": shot.time_s,
                "verdict": shot.verdict,
                "src": f"data:image/jpeg;base64,{base64.b64encode(shot.jpeg).decode('ascii')}",
            }
            for shot in told.strip.shots
        ],
    }
