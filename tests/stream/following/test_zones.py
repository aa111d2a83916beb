from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import ConfigError
from maskwise.stream.following.zones import Line, Zone, middle, parse_corners

SQUARE = Zone("door", ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)))
ARROW = Zone("arrow", ((0.0, 0.0), (1.0, 0.5), (0.0, 1.0), (0.4, 0.5)))
UPWARDS = Line("entrance", ((0.5, 1.0), (0.5, 0.0)))
SHARE = st.floats(0, 1, width=32)


@given(SHARE, SHARE)
def test_a_square_holds_what_lies_between_its_sides(x: float, y: float) -> None:
    edge = min(abs(v - e) for v in (x, y) for e in (0.2, 0.8))
    if edge > 1e-5:
        assert SQUARE.holds((x, y)) == (0.2 < x < 0.8 and 0.2 < y < 0.8)


@pytest.mark.parametrize(
    ("point", "inside"), [((0.7, 0.5), True), ((0.2, 0.5), False), ((0.2, 0.2), True), ((0.9, 0.9), False)]
)
def test_a_zone_may_be_hollow(point: tuple[float, float], inside: bool) -> None:
    assert ARROW.holds(point) is inside


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ((0.4, 0.5), (0.6, 0.5), "to_right"),
        ((0.6, 0.5), (0.4, 0.5), "to_left"),
        ((0.4, 0.5), (0.5, 0.5), "to_right"),
        ((0.5, 0.5), (0.6, 0.5), None),
        ((0.1, 0.5), (0.4, 0.9), None),
        ((0.4, 0.2), (0.4, 0.9), None),
    ],
)
def test_crossing_has_a_direction_and_is_counted_once(
    before: tuple[float, float], after: tuple[float, float], way: str | None
) -> None:
    assert UPWARDS.crossed(before, after) == way


def test_passing_beside_a_short_line_is_no_crossing() -> None:
    short = Line("gate", ((0.5, 0.4), (0.5, 0.2)))
    assert short.crossed((0.4, 0.3), (0.6, 0.3)) == "to_right"
    assert short.crossed((0.4, 0.8), (0.6, 0.8)) is None


@given(st.lists(st.tuples(SHARE, SHARE), min_size=2, max_size=40))
def test_whoever_ends_on_the_side_of_the_start_crossed_as_often_there_as_back(path: list[tuple[float, float]]) -> None:
    whole = Line("all", ((0.5, 1.0), (0.5, 0.0)))
    path = [(x if abs(x - 0.5) > 1e-3 else 0.6, y) for x, y in path]
    ways = [whole.crossed(a, b) for a, b in pairwise(path)]
    net = ways.count("to_right") - ways.count("to_left")
    assert net == (path[-1][0] > 0.5) - (path[0][0] > 0.5)


def test_a_face_is_where_its_middle_is() -> None:
    assert middle(np.array([100, 50, 200, 150], np.float32), 600, 400) == (0.25, 0.25)


def test_corners_are_read_from_text() -> None:
    assert parse_corners("front door: 0.1,0 0.4,0  0.4,1") == ("front door", ((0.1, 0.0), (0.4, 0.0), (0.4, 1.0)))


@pytest.mark.parametrize("text", ["door", "door:", "door:0.1 0.2", "door:a,b c,d", "door:1,2,3", ""])
def test_other_text_is_an_error_that_shows_the_form(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME:X,Y"):
        parse_corners(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Zone("z", ((0, 0), (1, 1))), "at least 3"),
        (lambda: Zone("z", ((0, 0), (0.5, 0.5), (1, 1))), "enclose nothing"),
        (lambda: Zone("z", ((0, 0), (1, 1), (0, 2))), "outside the picture"),
        (lambda: Zone("", ((0, 0), (1, 1), (0, 1))), "needs a name"),
        (lambda: Line("l", ((0, 0), (0, 0))), "two different ends"),
        (lambda: Line("l", ((0, 0), (1, 0), (1, 1))), "two different ends"),
    ],
)
def test_what_is_no_place(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
