"""What votes over time make of the same looks: settings of Voting against every frame's own verdict, on known films.

Films of 14 people choose, films of 26 others report; two clips of real people without a mask, hands near the face, are
reported beside them where they are there. Every film is looked at once, ten times a second, and all settings judge the
same looks with the same tracks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.table import Row
from maskwise.data import clips
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import folder_of
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.statistics.metrics import Figure, wilson
from maskwise.statistics.rates import median_of, rate
from maskwise.stream.following.events import Events, Rules
from maskwise.stream.following.people import People
from maskwise.stream.following.tracks import Tracker
from maskwise.stream.following.votes import Votes, Voting
from maskwise.stream.measuring.judging import Alarms, Judge, PersonJudged
from maskwise.stream.measuring.truth import Seen, Truth
from maskwise.stream.sources.video import Video
from maskwise.stream.watching import Moment, Shown
from maskwise.values import CLASSES, Frame, FrameResult

SECONDS, RATE, SIZE_WH = 12.0, 10.0, (320, 240)
CHOOSING, REPORTING = range(14), range(14, 40)
CLIPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "video"
BLANK = np.zeros((1, 1, 3), np.uint8)
OWN = "every frame's own"
FIRST = Voting(alike_s=0.5, memory_s=2.0, enter=0.9, leave=0.5)
"""What was set before anything was measured; each other setting says where it differs."""

CHANGES: tuple[dict[str, float], ...] = (
    *({"alike_s": v} for v in (0.1, 0.25, 1.0)),
    *({"memory_s": v} for v in (0.5, 1.0, 4.0)),
    *({"enter": v} for v in (0.8, 0.97)),
    *({"leave": v} for v in (0.2, 0.7)),
    {"alike_s": 0.25, "memory_s": 1.0},
    {"memory_s": 1.0, "enter": 0.8},
    {"memory_s": 1.0, "enter": 0.97},
)
SETTINGS: dict[str, Voting | None] = {
    OWN: None,
    "first": FIRST,
    **{", ".join(f"{k} {v:g}" for k, v in change.items()): replace(FIRST, **change) for change in CHANGES},
}


@dataclass(frozen=True, slots=True)
class Looked:
    """A film that was looked at: its results, and who was there."""

    results: tuple[FrameResult, ...]
    truth: Truth


class OwnVerdicts(People):
    """People of whom the last look's own verdict is said."""

    def look(self, result: FrameResult, time_s: float) -> tuple[int, ...]:
        """As People, without votes."""
        numbers = self._tracker.look(result.faces, time_s)
        for i, number in enumerate(numbers):
            self._votes.setdefault(number, Votes(result.labels))
            self._update(number, result.faces.boxes_xyxy[i], result.verdicts[i], time_s)
        return numbers


def measure() -> list[Row]:
    """A row for each setting and set of films."""
    pipeline = Pipeline(YuNet(), MaskClassifier.load(folder_of("default"), threads=1))
    sets = {"choosing": list(_films(pipeline, CHOOSING)), "reporting": list(_films(pipeline, REPORTING))}
    if CLIPS.is_dir():
        sets["clips"] = [_clip(pipeline, path) for path in sorted(CLIPS.glob("*.mkv"))]
    rows: list[Row] = []
    for name, films in sets.items():
        first = [_judged(film, FIRST) for film in films]
        for setting, voting in SETTINGS.items():
            judged = [_judged(film, voting) for film in films]
            rows.append({"films": name, "voting": setting, **_figures(judged), "more_right": _more(judged, first)})
    return rows


def _more(judged: Sequence[tuple[Judge, float]], first: Sequence[tuple[Judge, float]]) -> str:
    """Share of time right less that of the first setting, each person alike, with a bootstrap over people."""
    pairs = [
        (mine.right / mine.found - other.right / other.found)
        for (a, _), (b, _) in zip(judged, first, strict=True)
        for mine, other in zip(a.people.values(), b.people.values(), strict=True)
        if mine.found
    ]
    drawn = np.random.default_rng(0).choice(pairs, (2000, len(pairs))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.mean(pairs):+.3f} ({low:+.3f} to {high:+.3f}), n {len(pairs)}"


def _films(pipeline: Pipeline, people: range) -> Iterator[Looked]:
    """One film for each two people, the scenarios in turn, and one of an empty room."""
    names = [name for name in clips.SCENARIOS if name != "empty_room"]
    for i in range(0, len(people)):
        pair = people[i], people[(i + 1) % len(people)]
        yield _film(pipeline, names[i % len(names)], pair, seed=people[i])
    yield _film(pipeline, "empty_room", (0, 1), seed=0)


def _film(pipeline: Pipeline, name: str, pair: tuple[int, int], seed: int) -> Looked:
    results, rows = [], []
    for frame, there in clips.film(clips.scenario(name, SECONDS, pair, seed), SECONDS, RATE, SIZE_WH, seed):
        results.append(pipeline(frame))
        rows += [Seen(frame.time_s or 0.0, f"{one.actor}", one.box_xyxy, one.label) for one in there]
    return Looked(tuple(results), Truth(rows))


def _clip(pipeline: Pipeline, path: Path) -> Looked:
    """Every third frame of a clip of one bare face; a hand is found as a second one now and then, less surely."""
    results: list[FrameResult] = []
    rows = []
    with Video(str(path)) as video:
        for frame in video:
            if frame.index % 3:
                continue
            result = pipeline(Frame(frame.image, path.name, len(results), frame.time_s))
            results.append(result)
            if len(result.faces):
                rows.append(Seen(frame.time_s or 0.0, "one", result.faces.boxes_xyxy[0], "unmasked"))
    return Looked(tuple(results), Truth(rows))


def _judged(film: Looked, voting: Voting | None) -> tuple[Judge, float]:
    """What became of the film's people, and its hours."""
    rules, tracker = Rules(after_s=3.0), Tracker()
    people = People(CLASSES, tracker, voting) if voting else OwnVerdicts(CLASSES, tracker)
    judge, events = Judge(film.truth, rules), Events("film", rules)
    for result in film.results:
        time_s = result.time_s or 0.0
        numbers = people.look(result, time_s)
        left = tuple(people.leave(time_s))
        told = events.look(list(people.here.values()), time_s, result.width, result.height)
        told += [events.left(person, result.width, result.height) for person in left]
        where = people.where(time_s)
        here = tuple(Shown(number, where[number], person.verdict) for number, person in people.here.items())
        judge.look(Moment(Frame(BLANK, "film", result.index, time_s), result, numbers, here, tuple(told), left))
    return judge, (film.results[-1].time_s or 0.0) / 3600


def _figures(judged: Sequence[tuple[Judge, float]]) -> Row:
    people: list[PersonJudged] = [person for judge, _ in judged for person in judge.people.values()]
    alarms: list[Alarms] = [judge.alarms() for judge, _ in judged]
    minutes = sum(person.seconds for person in people) / 60
    right = sum(bool(person.found) and person.label == person.summary for person in people)
    found = sum(person.found for person in people)
    waits = [wait for judge, _ in judged for wait in judge.waits(first=False)]
    firsts = [wait for judge, _ in judged for wait in judge.waits(first=True)]
    return {
        "persons_right": _said(Figure(right / len(people), *wilson(right, len(people)), len(people))),
        "time_right": round(sum(person.right for person in people) / found, 3),
        "time_wrong": round(sum(p.found - p.right - p.uncertain for p in people) / found, 3),
        "time_uncertain": round(sum(person.uncertain for person in people) / found, 3),
        "first_right_s": _said(median_of(firsts)),
        "changed_right_s": _said(median_of(waits)),
        "changed_never": f"{sum(map(np.isinf, waits))} of {len(waits)}",
        "flicker_per_minute": _said(rate(sum(person.flicker for person in people), minutes)),
        "switches_per_minute": _said(rate(sum(person.switches for person in people), minutes)),
        "alarms_missed": f"{sum(a.missed for a in alarms)} of {sum(a.due for a in alarms)}",
        "false_alarms_per_hour": _said(rate(sum(a.false for a in alarms), sum(hours for _, hours in judged))),
        "persons": len(people),
        "films_n": len(judged),
    }


def _said(figure: Figure) -> str:
    return f"{figure.value:.3g} ({figure.low:.3g} to {figure.high:.3g}), n {figure.n}"
