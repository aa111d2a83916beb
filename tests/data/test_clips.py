"""Films: what the list says is what the pictures show, and a seed makes one film."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from maskwise.data import clips
from maskwise.data.clips import Actor, film, scenario
from maskwise.errors import ConfigError
from maskwise.model.faces import YuNet

SMALL = (320, 240)


def labels(name: str, at_s: float, seconds: float = 10.0) -> list[str]:
    actors = scenario(name, seconds, seed=1)
    there = list(film(actors, seconds, 2.0, SMALL))[round(at_s * 2)][1]
    return [one.label for one in there]


@pytest.mark.parametrize(
    ("name", "early", "late"),
    [
        ("puts_on", ["unmasked"], ["masked"]),
        ("takes_off", ["masked"], ["unmasked"]),
        ("slips_under_nose", ["masked"], ["incorrect"]),
        ("leaves", ["masked"], []),
        ("two_cross", ["masked", "unmasked"], ["masked", "unmasked"]),
        ("beard_and_hand", ["unmasked", "unmasked"], ["unmasked", "unmasked"]),
        ("empty_room", [], []),
    ],
)
def test_scenarios_show_what_they_are_called(name: str, early: list[str], late: list[str]) -> None:
    assert labels(name, 1.0) == early
    assert labels(name, 9.5) == late


def test_every_scenario_is_tested() -> None:
    tested = test_scenarios_show_what_they_are_called.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for name, _, _ in tested} == set(clips.SCENARIOS)


@pytest.mark.parametrize("name", ["puts_on", "leaves", "two_cross"])
def test_the_detector_finds_each_face_where_the_list_has_it(name: str) -> None:
    detect, missed, count = YuNet(), 0, 0
    for frame, there in film(scenario(name, 6.0, seed=2), 6.0, 2.0, (640, 480)):
        found = detect(frame.image)
        count += len(there)
        missed += sum(not len(found) or float(found.iou(one.box_xyxy).max()) < 0.5 for one in there)
    assert count >= 6
    assert missed <= count / 10


def test_who_is_hidden_or_out_of_the_picture_is_not_in_sight() -> None:
    behind = Actor(0, start_xy=(0.5, 0.5), end_xy=(0.5, 0.5))
    front = Actor(1, start_xy=(0.5, 0.5), end_xy=(1.3, 0.5))
    counts = [[one.actor for one in there] for _, there in film((behind, front), 4.0, 2.0, SMALL)]
    assert counts[0] == [1]
    assert [0, 1] in counts
    assert counts[-1] == [0]


def test_boxes_lie_in_the_picture() -> None:
    for _, there in film(scenario("leaves", 5.0), 5.0, 5.0, SMALL):
        for one in there:
            assert (one.box_xyxy >= 0).all()
            assert one.box_xyxy[2] <= 320


def test_a_seed_makes_one_film_and_another_one_another() -> None:
    def first(seed: int) -> np.ndarray:
        return next(iter(film(scenario("puts_on", 4.0, seed=seed), 4.0, size_wh=SMALL, seed=seed)))[0].image

    assert (first(1) == first(1)).all()
    assert (first(1) != first(2)).any()


def test_times_are_those_of_the_rate() -> None:
    frames = [frame for frame, _ in islice(film((), 1.0, 25.0, (33, 47)), 100)]
    assert [frame.time_s for frame in frames] == pytest.approx([i / 25 for i in range(25)])
    assert frames[0].image.shape == (47, 33, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Actor(40), "40 people"),
        (lambda: Actor(0, pictures=(10,)), "10 pictures"),
        (lambda: Actor(0, pictures=()), "10 pictures"),
        (lambda: Actor(0, looks=((0.0, "visor"),)), "'visor' is not one of bare"),
        (lambda: Actor(0, looks=()), "nothing in it"),
        (lambda: scenario("dances"), "'dances' is not one of puts_on"),
        (lambda: scenario("puts_on", 0), "a film of 0 s"),
    ],
)
def test_what_cannot_be_filmed(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
