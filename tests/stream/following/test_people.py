"""People of a stream, from results made by hand: numbers, verdicts over time, and what is left of them afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.stream.following.people import People, Person
from maskwise.stream.following.tracks import Following, Tracker
from maskwise.values import CLASSES, Faces, FrameResult, Verdict

ROWS = {"masked": (0.96, 0.02, 0.02), "incorrect": (0.02, 0.96, 0.02), "unmasked": (0.02, 0.02, 0.96)}


def result(time_s: float, *said: tuple[float, str], because: str | None = None) -> FrameResult:
    """Faces at x with a class of which the network is sure; because: why the single look is uncertain."""
    n = len(said)
    boxes = np.array([(x, 100, x + 80, 200) for x, _ in said], np.float32).reshape(n, 4)
    faces = Faces(boxes, np.ones(n, np.float32), np.full((n, 5, 2), np.nan, np.float32))
    rows = np.array([ROWS[label] for _, label in said], np.float32).reshape(n, 3)
    verdicts = tuple(Verdict("uncertain" if because else label, 0.96, because) for _, label in said)
    return FrameResult("hall", 0, time_s, 640, 480, faces, CLASSES, rows, verdicts)


def people() -> People:
    return People(CLASSES, Tracker(Following(lost_after_s=1.0)))


def test_two_people_are_judged_each_for_themselves() -> None:
    crowd = people()
    for i in range(30):
        assert crowd.look(result(i / 10, (100, "masked"), (400, "unmasked")), i / 10) == (1, 2)
    assert {n: p.verdict.label for n, p in crowd.here.items()} == {1: "masked", 2: "unmasked"}
    assert {n: p.looks for n, p in crowd.here.items()} == {1: 30, 2: 30}


def test_who_leaves_is_told_once_with_how_long_each_verdict_was_held() -> None:
    crowd = people()
    for i in range(101):
        crowd.look(result(i / 10, (100, "masked" if i < 50 else "unmasked")), i / 10)
        assert crowd.leave(i / 10) == []
    (gone,) = crowd.leave(11.5)
    assert crowd.leave(12.0) == []
    assert crowd.here == {}
    assert (gone.number, gone.first_s, gone.last_s, gone.looks) == (1, 0.0, 10.0, 101)
    assert sum(gone.seconds.values()) == pytest.approx(10.0)
    assert gone.seconds["masked"] > gone.seconds["unmasked"] > 2
    assert gone.summary == "masked"


def test_a_person_counts_as_uncertain_only_where_there_was_no_other_verdict() -> None:
    box, thin = np.zeros(4, np.float32), Verdict("uncertain", 0.5, "thin")
    assert Person(1, 0, 9, box, thin, {"uncertain": 9.0}).summary == "uncertain"
    assert Person(1, 0, 9, box, thin, {"uncertain": 9.0, "unmasked": 0.4, "masked": 0.6}).summary == "masked"
    assert Person(1, 0, 0, box, thin).summary == "uncertain"


@pytest.mark.parametrize(
    ("because", "label"),
    [
        ("confidence 0.55 is under 0.60", "masked"),
        ("p(masked) 0.960 is under 0.970", "masked"),
        ("face of 14 px is under 20 px", "uncertain"),
        ("face is blurred: sharpness 0.10 is under 0.12", "uncertain"),
        ("face is cut off: share in the picture 0.60 is under 0.80", "uncertain"),
    ],
)
def test_unsure_looks_add_up_and_looks_at_what_cannot_be_seen_do_not(because: str, label: str) -> None:
    crowd = people()
    for i in range(30):
        crowd.look(result(i / 10, (100, "masked"), because=because), i / 10)
    assert crowd.here[1].verdict.label == label


def test_nothing_is_kept_of_those_who_are_gone() -> None:
    crowd = people()
    for visit in range(200):
        for i in range(3):
            crowd.look(result(visit * 5 + i / 10, (100, "masked")), visit * 5 + i / 10)
        crowd.leave(visit * 5 + 4)
    assert crowd.here == {}
    assert len(crowd._votes) == 0
    assert crowd.look(result(2_000, (100, "masked")), 2_000) == (201,)
