"""Numbers of faces whose paths are known: through crossings, gaps and jitter, at any rate, and in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.stream.following.tracks import Following, Tracker
from maskwise.values import Faces

SIDE = 100.0


def faces(*middles: tuple[float, float], side: float = SIDE) -> Faces:
    half = side / 2
    boxes = [(x - half, y - half, x + half, y + half) for x, y in middles]
    n = len(boxes)
    landmarks = np.full((n, 5, 2), np.nan, np.float32)
    return Faces(np.array(boxes, np.float32).reshape(n, 4), np.ones(n, np.float32), landmarks)


def run(
    paths: list[list[tuple[float, float] | None]], rate: float = 10.0, tracker: Tracker | None = None
) -> list[set[int]]:
    """The numbers that each path got; None: not found in that look."""
    tracker = tracker or Tracker()
    numbers: list[set[int]] = [set() for _ in paths]
    for i, there in enumerate(zip(*paths, strict=True)):
        seen = [k for k, at in enumerate(there) if at is not None]
        for k, number in zip(seen, tracker.look(faces(*(there[k] for k in seen)), i / rate), strict=True):
            numbers[k].add(number)
        tracker.gone(i / rate)
    return numbers


@pytest.mark.parametrize("rate", [5, 10, 25, 60])
@pytest.mark.parametrize("speed", [0, 100, 400])
def test_one_who_walks_keeps_the_number_at_any_rate(rate: int, speed: float) -> None:
    assert run([[(50 + speed * i / rate, 200) for i in range(4 * rate)]], rate) == [{1}]


@pytest.mark.parametrize("speed", [60, 100, 200, 400])
@pytest.mark.parametrize("apart_px", [5, 20, 40])
@pytest.mark.parametrize("hidden", [False, True])
def test_two_who_cross_keep_their_numbers(speed: float, apart_px: float, hidden: bool) -> None:
    right = [(300 + speed * (i - 30) / 10, 200.0) for i in range(60)]
    left = [(300 - speed * (i - 30) / 10, 200.0 + apart_px) for i in range(60)]
    behind = [None if hidden and abs(a[0] - b[0]) < 0.6 * SIDE else a for a, b in zip(right, left, strict=True)]
    assert run([behind, list(left)]) == [{1}, {2}]


def test_crossing_with_jitter_keeps_them_apart_nearly_always() -> None:
    rng, kept = np.random.default_rng(0), 0
    for _ in range(100):
        speed, apart = rng.uniform(60, 300), rng.uniform(15, 40)
        noise = rng.normal(0, 4, (2, 60, 2))
        right = [(300 + speed * (i - 30) / 10 + noise[0, i, 0], 200 + noise[0, i, 1]) for i in range(60)]
        left = [(300 - speed * (i - 30) / 10 + noise[1, i, 0], 200 + apart + noise[1, i, 1]) for i in range(60)]
        behind = [None if abs(a[0] - b[0]) < 0.6 * SIDE else a for a, b in zip(right, left, strict=True)]
        kept += run([behind, list(left)]) == [{1}, {2}]
    assert kept >= 95


@pytest.mark.parametrize("speed", [0, 100, 300])
@pytest.mark.parametrize("missing_s", [0.2, 0.8, 1.3])
def test_a_gap_shorter_than_the_patience_is_bridged(speed: float, missing_s: float) -> None:
    path = [None if 3 <= i / 10 < 3 + missing_s else (50 + speed * i / 10, 200.0) for i in range(60)]
    assert run([path]) == [{1}]


def test_one_who_stops_while_not_found_is_known_again() -> None:
    walked = [(50.0 + 20 * i, 200.0) for i in range(20)]
    assert run([[*walked, None, None, None, *[walked[-1]] * 20]]) == [{1}]


@pytest.mark.parametrize("rate", [1, 5, 10, 60])
def test_who_is_gone_for_longer_is_somebody_new_even_at_the_same_place(rate: int) -> None:
    tracker = Tracker(Following(lost_after_s=1.5))
    assert tracker.look(faces((200, 200)), 0.0) == (1,)
    for i in range(1, 2 * rate):
        tracker.look(faces(), i / rate)
    assert tracker.look(faces((200, 200)), 2.0) == (2,)
    assert tracker.gone(2.0) == [1]
    assert tracker.gone(2.0) == []
    assert list(tracker.where(2.0)) == [2]


def test_after_a_stream_broke_off_everybody_is_new() -> None:
    tracker = Tracker()
    tracker.look(faces((200, 200)), 0.0)
    assert tracker.look(faces((200, 200)), 60.0) == (2,)


def test_a_number_is_never_given_twice() -> None:
    tracker, rng = Tracker(), np.random.default_rng(1)
    owner: dict[int, int] = {}
    for visit in range(50):
        for i in range(10):
            time_s = visit * 5 + i / 10
            (number,) = tracker.look(faces((300 + rng.normal(0, 3), 200)), time_s)
            assert owner.setdefault(number, visit) == visit
            tracker.gone(time_s)
    assert sorted(owner) == list(range(1, 51))


def test_boxes_move_on_between_looks() -> None:
    tracker = Tracker()
    for i in range(20):
        tracker.look(faces((100 + 10 * i, 200)), i / 10)
    moved = tracker.where(1.95)[1]
    assert moved == pytest.approx([100 + 195 - 50, 150, 100 + 195 + 50, 250], abs=1.5)
    assert tracker.where(1.9)[1] == pytest.approx([100 + 190 - 50, 150, 100 + 190 + 50, 250], abs=1e-3)


def test_what_is_held_stays_bounded_over_20_000_looks() -> None:
    """Ten at most are in sight, each for one to four seconds; thousands come and go."""
    rng, tracker, most, numbers = np.random.default_rng(2), Tracker(), 0, set()
    until = np.zeros(10)
    from_s = rng.uniform(0, 5, 10)
    gone: list[int] = []
    for i in range(20_000):
        time_s = i / 10
        done = until < time_s
        from_s[done] = time_s + rng.uniform(2, 6, done.sum())
        until[done] = from_s[done] + rng.uniform(1, 4, done.sum())
        there = np.flatnonzero(from_s <= time_s)
        numbers |= set(tracker.look(faces(*((200.0 * k, 100.0) for k in there)), time_s))
        gone += tracker.gone(time_s)
        most = max(most, sum(len(v) for v in vars(tracker).values() if isinstance(v, dict | list | set)))
    assert len(numbers) > 2_000
    assert most <= 20
    assert len(gone) == len(set(gone))
    assert numbers - set(gone) == set(tracker.where(1_999.9))


def test_no_faces_are_nobody() -> None:
    tracker = Tracker()
    assert tracker.look(Faces.none(), 0.0) == ()
    assert tracker.where(0.0) == {}
    assert tracker.gone(9.0) == []


@pytest.mark.parametrize("wrong", [{"lost_after_s": 0}, {"lost_after_s": -1}, {"overlap": 0}, {"overlap": 1}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="following"):
        Following(**wrong)
