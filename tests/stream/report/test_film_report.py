"""The page of a film: whole, harmless, of bounded size, and without a face where none was asked for."""

from __future__ import annotations

import base64
import pickle
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.data.clips import Actor, film
from maskwise.errors import ConfigError, StorageError
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import folder_of, read_card
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.stream.following.events import Event, Rules
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.report.error_rates import error_rates
from maskwise.stream.report.film_charts import HEIGHT, WIDTH, bars, clock, coarser, crowd, shares, ticks
from maskwise.stream.report.film_report import EVENTS, PEOPLE, FilmReport
from maskwise.stream.report.strips import SHOTS, SPELLS, Spell, Strip
from maskwise.stream.report.summary import Summary
from maskwise.stream.report.timeline import VERDICTS
from maskwise.stream.watching import Watching, watch
from maskwise.values import CLASSES, Image
from tests.stream.moments import Visit, moments, steady

VOID = {"meta", "img", "br", "rect", "path", "circle", "line", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and text; refuses what is not closed properly."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text = html, ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[Image]:
        sources = [str(attrs["src"]) for tag, attrs in self.tags if tag == "img"]
        data = [np.frombuffer(base64.b64decode(source.split(",", 1)[1]), np.uint8) for source in sources]
        return [np.asarray(cv2.imdecode(part, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1].copy() for part in data]

    def people(self) -> int:
        return len(re.findall(r"<h3>Person \d+</h3>", self.html))


def page_of(path: Path, visits: list[Visit], seconds: float, rules: Rules | None = None, **how: Any) -> Page:
    name, card = how.pop("name", "door"), how.pop("card", None)
    report_only = {key: how.pop(key) for key in ("blur", "title", "pictures", "settings") if key in how}
    rates = error_rates(card) if card else "none given"
    with FilmReport(path, Summary(name, CLASSES, rules, rates), card, **report_only) as report:
        for moment in moments(visits, seconds, **how):
            report.look(moment)
    return Page(path.read_text())


CAST = [
    steady(0, 6, "masked"),
    Visit(1, 9, ((0, "uncertain"), (2, "unmasked"), (6, "masked"))),
    steady(3, 7, "incorrect"),
]
EVERYTHING = [
    Event("appeared", "door", 1.0, 2, "uncertain"),
    Event("changed", "door", 2.0, 2, "unmasked", was="uncertain"),
    Event("violated", "door", 5.0, 2, "unmasked", zones=("in <side>",), seconds=3.0),
    Event("crossed", "door", 5.5, 2, "unmasked", line="the & line", way="to_left"),
    Event("complied", "door", 6.0, 2, "masked"),
    Event("left", "door", 6.0, 1, "masked", seconds=5.9),
]
RULES = Rules(
    zones=(Zone("in <side>", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),),
    lines=(Line("the & line", ((0.5, 0.0), (0.5, 1.0))),),
)


def test_the_page_says_what_was_seen(tmp_path: Path) -> None:
    card = read_card(folder_of("default"))
    page = page_of(
        tmp_path / "film.html", CAST, 10, RULES, card=card, events=EVERYTHING, settings={"looks": "10 a second"}
    )
    assert page.people() == 3
    for text in (
        "1 of 3 people wore their mask properly",
        "33.3\xa0%",
        "put right",
        "alarm after 3.0\xa0s",
        "10 a second",
    ):
        assert text in page.text, text
    assert card.network in page.text
    assert "crossed the & line, to left" in page.text
    assert "in <side>" in page.text
    assert (
        len([tag for tag, attrs in page.tags if "m-violated" in (attrs.get("class") or "") and "title" in attrs]) == 1
    )
    paths = [attrs for tag, attrs in page.tags if tag == "path" and (attrs.get("class") or "").startswith("v-")]
    assert [attrs["class"] for attrs in paths] == [f"v-{verdict}" for verdict in VERDICTS]


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    page = page_of(tmp_path / "film.html", CAST, 10, RULES, events=EVERYTHING, card=read_card(folder_of("default")))
    assert not re.search(r"(?i)https?:|//[a-z0-9]|@import|javascript:", re.sub(r"base64,[^\"]*", "", page.html))
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object", "form")]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    for _, attrs in page.tags:
        assert (attrs.get("src") or "data:image/jpeg").startswith("data:image/jpeg")
        assert (attrs.get("href") or "#").startswith("#")
    inner = re.findall(r"url\(([^)]*)\)", page.html)
    assert inner
    assert all(target.startswith("#p-") for target in inner)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y> \udcff & {{ 7 * 7 }}"


def test_a_hostile_name_is_only_a_name(tmp_path: Path) -> None:
    zone = Zone(HOSTILE, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
    events = [Event("violated", HOSTILE, 1.0, 1, "unmasked", zones=(HOSTILE,))]
    plain = page_of(tmp_path / "a.html", CAST, 3, Rules(zones=(Zone("z", zone.corners),)), events=[], pictures=False)
    page = page_of(
        tmp_path / "b.html",
        CAST,
        3,
        Rules(zones=(zone,)),
        name=HOSTILE,
        title=HOSTILE,
        events=events,
        settings={HOSTILE: HOSTILE},
        pictures=False,
    )
    assert {tag for tag, _ in page.tags} - {"b"} <= {tag for tag, _ in plain.tags} | {"table", "thead", "i"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "\\udcff & {{ 7 * 7 }}" in page.text


def test_an_empty_film_and_one_without_anybody(tmp_path: Path) -> None:
    nothing = page_of(tmp_path / "a.html", [], 0)
    assert "Not one frame was seen" in nothing.text
    nobody = page_of(tmp_path / "b.html", [], 5)
    assert "Nobody was seen." in nobody.text
    glimpse = page_of(tmp_path / "c.html", [steady(1, 1.2, "masked")], 5)
    assert "Nobody was seen long enough to count." in glimpse.text
    assert "1 glimpse of fewer than 3 looks is not counted" in glimpse.text
    assert nothing.people() == nobody.people() == glimpse.people() == 0


def test_one_person(tmp_path: Path) -> None:
    page = page_of(tmp_path / "a.html", [steady(0, 4, "incorrect")], 5)
    assert page.people() == 1
    assert "The one person about whom there is an answer was incorrect." in page.text
    assert "1 person is few" in page.text


def test_of_500_people_those_are_shown_of_whom_there_is_most_to_tell(tmp_path: Path) -> None:
    visits = [
        steady(
            i / 10, i / 10 + 1 + i % 7, "unmasked" if i % 10 == 0 else "masked", (20 + i * 37 % 600, 20 + i * 91 % 440)
        )
        for i in range(500)
    ]
    hall = np.full((480, 640, 3), 128, np.uint8)
    events = [Event("violated", "door", i / 10 + 0.9, i + 1, "masked") for i in range(5, 500, 50)]
    page = page_of(tmp_path / "a.html", visits, 60, events=events, rate=5, image=hall)
    assert page.people() == PEOPLE
    assert "300 are left out" in page.text
    shown = {int(n) for n in re.findall(r"<h3>Person (\d+)</h3>", page.html)}
    assert {i + 1 for i in range(0, 500, 10)} <= shown, "whoever was not masked"
    assert {event.person for event in events} <= shown
    assert len(page.html) < 4_000_000


def test_of_many_events_the_alarms_and_the_newest_stay(tmp_path: Path) -> None:
    events = [Event("changed", "door", i / 500, 1, "masked", was="uncertain") for i in range(3_000)]
    events += [Event("violated", "door", 0.01 * i, 1, "unmasked") for i in range(20)]
    page = page_of(tmp_path / "a.html", [steady(0, 10, "masked")], 10, events=events, pictures=False)
    rows = re.findall(r'<tr><th scope="row">(0:[0-9.]+)</th>', page.html)
    assert len(rows) == EVENTS
    assert f"{3_020 - EVENTS:,} are left out" in page.text
    assert page.html.count("</span> alarm</b>") == 20
    assert rows[-1] == "0:05.9"


def test_an_interrupted_run_is_on_the_page_as_far_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "film.html"

    def run() -> None:
        with FilmReport(path, Summary("door", CLASSES)) as report:
            for moment in moments([steady(0, 99, "masked"), steady(2, 99, "unmasked")], 60):
                report.look(moment)
                if moment.frame.index == 100:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    page = Page(path.read_text())
    assert "interrupted at 0:10.0" in page.text
    assert page.people() == 2
    assert "1 of 2 people wore their mask properly" in page.text


def test_words_and_places_that_cannot_be_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'some' is not one of all, unmasked, none"):
        FilmReport(tmp_path / "a.html", Summary("door", CLASSES), blur="some")  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="it is a folder"):
        FilmReport(tmp_path, Summary("door", CLASSES))


def test_what_is_held_does_not_grow_with_the_stream(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    visits = [steady(begin, begin + 3, str(rng.choice(VERDICTS))) for begin in np.sort(rng.uniform(0, 1_200, 900))]
    events = [Event("changed", "door", float(t), 1, "masked", was="unmasked") for t in rng.uniform(0, 1_200, 6_000)]
    report, held = FilmReport(tmp_path / "a.html", Summary("door", CLASSES)), {}
    for moment in moments(visits, 1_200, rate=5, events=events):
        report.look(moment)
        if moment.frame.index + 1 in (2_500, 6_000):
            held[moment.frame.index + 1] = len(pickle.dumps(report))
    assert held[6_000] < 1.15 * held[2_500]


def test_a_strip_is_of_bounded_length_and_keeps_the_changes() -> None:
    strip, rng = Strip(), np.random.default_rng(0)
    for i in range(20_000):
        strip.look(i / 10, "masked" if i < 15_000 else "unmasked", lambda: b"jpeg")
    assert len(strip.shots) <= SHOTS
    assert (strip.shots[0].time_s, strip.shots[0].verdict) == (0.0, "masked")
    assert [shot.time_s for shot in strip.shots if shot.changed] == [1_500.0]
    assert [(spell.from_s, spell.to_s) for spell in strip.spells] == [(0.0, 1_500.0), (1_500.0, 1_999.9)]
    for i in range(20_000, 30_000):
        strip.look(i / 10, str(rng.choice(VERDICTS)), lambda: b"jpeg")
    assert len(strip.shots) == SHOTS
    assert len(strip.spells) <= SPELLS
    edges = [(spell.from_s, spell.to_s) for spell in strip.spells]
    assert edges[0][0] == 0.0
    assert edges[-1][1] == 2_999.9
    assert all(a[1] == b[0] for a, b in pairwise(edges)), "no gaps"


def _filmed(path: Path, blur: Any, detect: YuNet) -> list[Image]:
    """The pictures on the page of a film with real faces; where they are is known, and said by nobody."""
    boxes: list[NDArray[np.float32]] = []
    images: list[Image] = []
    actors = [Actor(person=p, start_xy=(x, 0.5), end_xy=(x, 0.5)) for p, x in ((3, 0.25), (8, 0.7))]
    for frame, truths in film(actors, 0.5, rate=6):
        images, boxes = [frame.image], [truth.box_xyxy for truth in truths]
    assert len(detect(images[0])) == 2
    visits = []
    for box, verdict in zip(boxes, ("masked", "uncertain"), strict=True):
        x, y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
        visits.append(Visit(0, 9, ((0, verdict),), (x, y), float((box[2:] - box[:2]).max())))
    return page_of(path, visits, 5, image=images[0], blur=blur).pictures()


@pytest.mark.parametrize(("blur", "with_faces"), [("all", 0), ("unmasked", 1), ("none", 2)])
def test_no_face_is_on_the_page_that_was_not_asked_for(blur: str, with_faces: int, tmp_path: Path) -> None:
    detect = YuNet()
    pictures = _filmed(tmp_path / "film.html", blur, detect)
    assert len(pictures) == 10, "five of each"
    large = [
        np.asarray(cv2.resize(picture, (448, 448), interpolation=cv2.INTER_CUBIC), np.uint8) for picture in pictures
    ]
    seen = [
        len(detect(picture)) > 0 or len(detect(larger)) > 0 for picture, larger in zip(pictures, large, strict=True)
    ]
    assert sum(seen) == 5 * with_faces


def test_a_film_watched_by_the_bundled_model(tmp_path: Path) -> None:
    """Nothing is scripted here: faces are found, judged, followed, hidden and told of."""
    actors = [
        Actor(person=1, start_xy=(0.2, 0.5), end_xy=(0.25, 0.5)),
        Actor(person=8, start_xy=(0.75, 0.5), end_xy=(0.7, 0.5)),
    ]
    pipeline = Pipeline(YuNet(), MaskClassifier.load(folder_of("default")))
    rules = Rules(after_s=1.0)
    path, frames = tmp_path / "film.html", (frame for frame, _ in film(actors, 3, rate=10))
    with FilmReport(path, Summary("hall", pipeline.labels, rules)) as report:
        for moment in watch(frames, pipeline, "hall", Watching(looks_per_s=5, rules=rules, overlapped=False)):
            report.look(moment)
    got, page = report.summary.to_json(), Page(path.read_text())
    assert got["people"]["by_verdict"] == {"masked": 0, "incorrect": 0, "unmasked": 2, "uncertain": 0}
    assert got["events"]["violated"] == 2
    assert page.people() == 2
    assert page.html.count("</span> alarm</b>") == 2
    assert 4 <= len(page.pictures()) <= 12
    assert not [picture for picture in page.pictures() if len(pipeline.detect(picture))]


def test_where_no_alarm_is_asked_for_the_page_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path / "a.html", CAST, 10, Rules(violations=()), pictures=False)
    assert page.text.count("none asked for") == 3


def test_without_pictures_there_are_none(tmp_path: Path) -> None:
    page = page_of(tmp_path / "a.html", CAST, 10, pictures=False)
    assert page.pictures() == []
    assert page.people() == 3


def test_shares_and_the_crowd_are_drawn_as_they_were() -> None:
    timeline = {
        "bin_s": 1.0,
        "seconds": {"masked": [1.0, 0.0, 3.0], "incorrect": [0.0] * 3, "unmasked": [1.0, 0, 0], "uncertain": [0.0] * 3},
        "most_at_once": [2, 0, 3],
    }
    drawn = shares(timeline, 4.0)
    assert drawn["masked"] == f"M0 50H250V{HEIGHT}H0ZM500 0H750V{HEIGHT}H500Z"
    assert drawn["unmasked"] == "M0 0H250V50H0Z"
    assert drawn["incorrect"] == drawn["uncertain"] == ""
    assert crowd(timeline, 4.0) == "M0 33.3H250V100H0ZM500 0H750V100H500Z"
    assert WIDTH == 1000


def test_a_long_timeline_is_drawn_with_few_columns_and_loses_nothing() -> None:
    rng = np.random.default_rng(0)
    fine = {
        "bin_s": 0.1,
        "seconds": {verdict: rng.random(599).tolist() for verdict in VERDICTS},
        "most_at_once": rng.integers(0, 9, 599).tolist(),
        "events": {"violated": rng.integers(0, 2, 599).tolist()},
    }
    drawn = coarser(fine)
    assert (drawn["bin_s"], len(drawn["most_at_once"])) == (0.4, 150)
    assert max(drawn["most_at_once"]) == max(fine["most_at_once"])
    assert sum(drawn["events"]["violated"]) == sum(fine["events"]["violated"])
    for verdict in VERDICTS:
        assert sum(drawn["seconds"][verdict]) == pytest.approx(sum(fine["seconds"][verdict]))
        assert drawn["seconds"][verdict][-1] == pytest.approx(sum(fine["seconds"][verdict][596:]))


def test_bars_are_of_the_film_or_of_the_persons_own_time() -> None:
    spells = [Spell(10, 12, "masked"), Spell(12, 20, "unmasked")]
    assert [(bar["x"], bar["width"]) for bar in bars(spells, 0, 40)] == [(250, 50), (300, 200)]
    assert [(bar["x"], bar["width"]) for bar in bars(spells, 10, 20)] == [(0, 200), (200, 800)]
    assert [(bar["x"], bar["width"]) for bar in bars([Spell(3, 3, "masked")], 3, 3)] == [(0, 1.5)]


@pytest.mark.parametrize(
    ("time_s", "end_s", "text"),
    [
        (3.25, 20, "0:03.2"),
        (59.98, 59.99, "0:59.9"),
        (75.4, 600, "1:15"),
        (3725, 9000, "1:02:05"),
        (90_000, 1e5, "25:00:00"),
    ],
)
def test_times_are_written_as_long_as_the_film_asks(time_s: float, end_s: float, text: str) -> None:
    assert clock(time_s, end_s) == text


@pytest.mark.parametrize("end_s", [0.0, 0.3, 3.6, 59, 600, 4_000, 90_000, 3e6])
def test_ticks_are_few_and_on_the_film(end_s: float) -> None:
    found = ticks(end_s)
    assert 1 <= len(found) <= 8
    assert all(0 <= tick["at"] <= 100 for tick in found)
    assert len({tick["text"] for tick in found}) == len(found)
