"""What is told of people whose verdicts and ways are known, second by second."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.stream.following.events import Event, Events, Kind, Rules
from maskwise.stream.following.people import Person
from maskwise.stream.following.zones import Line, Zone
from maskwise.values import CLASSES, UNCERTAIN, Verdict

LETTERS = {"m": "masked", "i": "incorrect", "u": "unmasked", "?": "uncertain"}
LEFT_HALF = Zone("desk", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
DOOR = Line("door", ((0.5, 1.0), (0.5, 0.0)))


def tell(said: str, rules: Rules | None = None, x: list[float] | None = None, rate: float = 10) -> list[Event]:
    """One person, one letter of verdict a look; `.` is a look without the face. x: where, as shares of the width."""
    events, told = Events("hall", rules or Rules(after_s=1.0)), []
    person: Person | None = None
    for i, letter in enumerate(said):
        time_s = i / rate
        if letter != ".":
            at = 1000 * (x[i] if x else 0.5)
            box = np.array([at - 50, 400, at + 50, 600], np.float32)
            person = person or Person(7, time_s, time_s, box, Verdict("uncertain", 0.4, "thin"))
            person.last_s, person.box_xyxy, person.verdict = time_s, box, Verdict(LETTERS[letter], 0.9)
        told += events.look([person] if person else [], time_s, 1000, 1000)
    return told


def kinds(told: list[Event]) -> list[str]:
    return [event.kind for event in told]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("u" * 30, 1.0),
        ("i" * 30, 1.0),
        ("?" * 5 + "u" * 30, 1.5),
        ("m" * 20, None),
        ("?" * 50, None),
        ("u" * 5 + "i" * 30, 1.0),  # one violation after another is one spell
        ("u" * 9 + "m" + "u" * 10, None),  # an answer that is no violation starts anew
        ("u" * 9 + "m" + "u" * 30, 2.0),
        ("u" * 5 + "?" * 20 + "u" * 30, 3.0),  # half a second, twenty looks without an answer, half a second
        ("u" * 6 + "?" * 20 + "m" + "u" * 8, None),
        ("u?" * 30, 2.0),  # half of the time has an answer
    ],
)
def test_an_alarm_comes_when_a_violation_has_lasted_counting_only_time_with_an_answer(
    said: str, at: float | None
) -> None:
    alarms = [event for event in tell(said) if event.kind == "violated"]
    assert [event.time_s for event in alarms] == ([] if at is None else [pytest.approx(at)])


def test_one_violation_is_told_once_and_a_second_one_again() -> None:
    told = tell("u" * 40 + "m" * 5 + "u" * 40)
    assert kinds(told) == ["appeared", "violated", "changed", "complied", "changed", "violated"]
    assert told[1].seconds == pytest.approx(1.0)


def test_uncertain_after_an_alarm_is_no_compliance() -> None:
    assert kinds(tell("u" * 20 + "?" * 20 + "u" * 20)) == ["appeared", "violated", "changed", "changed"]


def test_a_face_that_is_not_found_counts_for_half_a_second_at_most() -> None:
    assert tell("u" * 3 + "." * 30 + "u" * 10)[-1].kind == "violated"
    assert kinds(tell("u" + "." * 100 + "u" * 5)) == ["appeared"]  # 0.5 s of the gap and 0.4 s after it
    assert kinds(tell("u.." * 4 + "u")) == ["appeared", "violated"]  # found in every third look


@pytest.mark.parametrize("rate", [5, 10, 25])
def test_the_time_does_not_depend_on_the_rate(rate: float) -> None:
    alarm = next(e for e in tell("u" * round(5 * rate), Rules(after_s=3.0), rate=rate) if e.kind == "violated")
    assert alarm.time_s == pytest.approx(3.0, abs=0.01)


def test_only_the_violations_that_are_asked_for() -> None:
    rules = Rules(violations=("incorrect",), after_s=0.5)
    assert kinds(tell("u" * 30, rules)) == ["appeared"]
    assert kinds(tell("i" * 10 + "u" * 5, rules)) == ["appeared", "violated", "changed", "complied"]


def test_changes_say_from_what_to_what() -> None:
    changes = [(e.was, e.verdict, e.time_s) for e in tell("?mmu") if e.kind == "changed"]
    assert changes == [("uncertain", "masked", 0.1), ("masked", "unmasked", 0.3)]


def test_violations_count_in_zones_only_and_a_step_out_starts_anew() -> None:
    rules = Rules(after_s=1.0, zones=(LEFT_HALF,))
    inside, outside = [0.2], [0.8]
    assert "violated" not in kinds(tell("u" * 40, rules, outside * 40))
    assert "violated" not in kinds(tell("u" * 40, rules, (inside * 8 + outside * 2) * 4))
    told = tell("u" * 40, rules, outside * 10 + inside * 30)
    (alarm,) = (e for e in told if e.kind == "violated")
    assert alarm.time_s == pytest.approx(2.0)
    assert alarm.zones == ("desk",)
    assert told[0].zones == ()


@pytest.mark.parametrize(
    ("x", "ways"),
    [
        ([0.3, 0.4, 0.6, 0.7], ["to_right"]),
        ([0.3, 0.7, 0.7, 0.3], ["to_right", "to_left"]),
        ([0.3, 0.5, 0.5, 0.7], ["to_right"]),  # upon the line for a while
        ([0.3, 0.5, 0.3, 0.5, 0.3], []),  # up to the line and back
        ([0.3, 0.495, 0.505, 0.495, 0.505, 0.7], ["to_right"]),  # jitter on the line
        ([0.5, 0.7], []),  # began upon it
    ],
)
def test_a_crossing_is_counted_once_each_way(x: list[float], ways: list[str]) -> None:
    told = tell("m" * len(x), Rules(lines=(DOOR,)), x)
    assert [(e.way, e.line) for e in told if e.kind == "crossed"] == [(way, "door") for way in ways]


def test_who_left_and_came_back_is_somebody_new() -> None:
    events = Events("hall", Rules(after_s=1.0))
    box, bare = np.array([0, 0, 10, 10], np.float32), Verdict("unmasked", 0.9)
    first = Person(1, 0.0, 0.9, box, bare, {"unmasked": 0.9})
    assert kinds(events.look([Person(1, 0.0, 0.0, box, bare)], 0.0, 100, 100)) == ["appeared"]
    assert events.look([first], 0.9, 100, 100) == []
    gone = events.left(first, 100, 100)
    assert (gone.time_s, gone.seconds, gone.verdict) == (0.9, 0.9, "unmasked")
    again = [events.look([Person(2, 5.0, t, box, bare)], t, 100, 100) for t in (5.0, 5.4, 5.8)]
    assert [kinds(told) for told in again] == [["appeared"], [], []]  # 0.9 s of the first visit are forgotten


PAGE = (Path(__file__).parents[3] / "docs/reference/events.md").read_text()
SCHEMA = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[-1])
TYPES: dict[str, Any] = {"string": str, "number": (int, float), "integer": int, "array": list, "null": type(None)}


def fits(event: dict[str, Any]) -> bool:
    """The part of JSON Schema that the page uses."""
    for key, rule in SCHEMA["properties"].items():
        kinds = rule.get("type", [])
        types = tuple(TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
        value = event[key]
        if value not in rule.get("enum", [value]) or (types and not isinstance(value, types)):
            return False
        if isinstance(value, float | int) and value < rule.get("minimum", value):
            return False
    return bool(list(event) == SCHEMA["required"])


def test_json_is_as_documented() -> None:
    rules = Rules(after_s=0.5, zones=(LEFT_HALF,), lines=(DOOR,))
    told = [e.to_json() for e in tell("?" + "u" * 10 + "m" * 5, rules, [0.2] * 12 + [0.8] * 4)]
    assert {e["kind"] for e in told} == {"appeared", "violated", "changed", "complied", "crossed"}
    for event in told:
        assert fits(event), event
    assert not fits(told[0] | {"kind": "seen"})
    assert not fits(told[0] | {"person": 0})
    assert not fits(told[0] | {"seconds": "long"})


def test_the_page_names_every_key_and_every_kind() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:text|number|integer|list)", PAGE, re.MULTILINE) == SCHEMA["required"]
    assert tuple(SCHEMA["properties"]["kind"]["enum"]) == get_args(Kind)
    assert set(SCHEMA["properties"]["verdict"]["enum"]) == {*CLASSES, UNCERTAIN}
    for kind in get_args(Kind):
        assert re.search(rf"^\| `{kind}` \|", PAGE, re.MULTILINE), kind
    example = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    assert fits(example)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rules(violations=("bare",)), "'bare' is not one of masked"),
        (lambda: Rules(after_s=-1), "after_s"),
        (lambda: Rules(zones=(LEFT_HALF, LEFT_HALF)), "'desk' names two"),
        (lambda: Rules(zones=(LEFT_HALF,), lines=(Line("desk", ((0, 0), (1, 1))),)), "'desk' names two"),
    ],
)
def test_rules_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
