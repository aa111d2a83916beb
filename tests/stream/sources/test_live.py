"""A source that never ends, against streams made here: what is slow, what breaks off, what freezes."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from maskwise.errors import ConfigError, InputError
from maskwise.stream.sources.live import (
    BURST_S,
    FASTEST,
    FASTEST_READ,
    STUCK,
    Health,
    Live,
    Open,
    Pace,
    Patience,
    Unchanging,
)
from maskwise.stream.sources.video import VideoFacts
from maskwise.values import Image
from tests.stream.footage import number_of, patiently, picture

QUICK = Patience(first_wait_s=0.02, longest_wait_s=0.1, frozen_s=0.3, first_picture_s=1.0)
"""Waits a hundredth of the real ones, so that the tests are fast."""


class Streamed:
    """A stream of pictures that somebody else makes."""

    def __init__(self, pictures: Iterator[Image]) -> None:
        self._pictures, self.facts = pictures, VideoFacts(64, 48, 25.0, None)
        self.broken, self.dropped, self.closed = 1, 2, 0

    def pictures(self) -> Iterator[Callable[[], Image]]:
        for image in self._pictures:
            yield lambda image=image: image  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closed += 1


def opening(*streams: Iterator[Image] | Streamed | Exception) -> Open:
    """Opens one stream after the other; an error stands for one that cannot be opened."""
    coming = iter(streams)

    def open_() -> Streamed:
        following = next(coming, InputError("nobody answers"))
        if isinstance(following, Exception):
            raise following
        return following if isinstance(following, Streamed) else Streamed(following)

    return open_


def paced(count: int, pause_s: float, *, same: bool = False) -> Iterator[Image]:
    for i in range(count):
        time.sleep(pause_s)
        yield picture(0 if same else i % 256)


def states(said: list[Health]) -> list[str]:
    return [health.state for health in said]


def test_a_slow_reader_gets_the_newest_frame_and_is_never_late() -> None:
    with Live("camera", opening(paced(200, 0.005))) as live:
        seen = []
        for got in live:
            seen.append(got)
            if got.index > 150:
                break
            time.sleep(0.05)
    assert len(seen) < 60
    assert live.dropped >= 150 - len(seen)
    assert [f.index for f in seen] == sorted({f.index for f in seen})
    assert [number_of(f.image) for f in seen] == [f.index for f in seen]
    assert {f.source for f in seen} == {"camera"}
    gaps = np.diff([f.time_s or 0 for f in seen])
    assert (gaps > 0).all()


def test_what_breaks_off_is_opened_again_and_goes_on_counting() -> None:
    said: list[Health] = []
    refused = InputError("refused")
    streams = opening(paced(5, 0.002), refused, refused, refused, refused, paced(500, 0.002))
    with Live("camera", streams, said.append, QUICK) as live:
        last = -1
        for got in live:
            assert got.index > last
            last = got.index
            if states(said).count("connected") == 2 and last > 20:
                break
        assert live.broken == 2, "of both openings"
        assert live.dropped >= 4
    assert states(said)[:7] == ["connected", "lost", "lost", "lost", "lost", "lost", "connected"]
    waits = [b.time_s - a.time_s for a, b in itertools.pairwise(said[1:7])]
    for wait, least in zip(waits, (0.02, 0.04, 0.08, 0.1, 0.1), strict=True):
        assert wait >= least, "each time twice as long, up to the longest"
    assert said[1].because == "it ended; opened again in 0.02 s"
    assert said[2].because == "refused; opened again in 0.04 s"
    assert {health.source for health in said} == {"camera"}


def test_real_waits_double_from_one_second_to_thirty() -> None:
    patience = Patience()
    waits = [patience.first_wait_s]
    for _ in range(6):
        waits.append(min(2 * waits[-1], patience.longest_wait_s))
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_every_opening_is_closed() -> None:
    streams = [Streamed(paced(3, 0.001)) for _ in range(4)]
    said: list[Health] = []
    with Live("camera", opening(*streams), said.append, QUICK):
        assert patiently(lambda: states(said).count("lost") == 4)
    assert [s.closed for s in streams] == [1, 1, 1, 1]


def test_a_picture_that_never_changes_is_called_frozen_once_and_moving_again() -> None:
    def frames() -> Iterator[Image]:
        yield from paced(3, 0.005)
        yield from paced(200, 0.005, same=True)
        yield from paced(400, 0.005)

    said: list[Health] = []
    with Live("camera", opening(frames()), said.append, QUICK) as live:
        for _ in live:
            if said and said[-1].state == "moving":
                break
    assert states(said) == ["connected", "frozen", "moving"]
    assert said[1].time_s - said[0].time_s > 0.29
    assert said[1].because == "one and the same picture for 0.3 s"


def test_one_frame_as_fast_as_can_be_is_frozen_and_read_at_a_bounded_rate() -> None:
    read = [0]

    def flood() -> Iterator[Image]:
        while True:
            read[0] += 1
            yield picture(7)

    said: list[Health] = []
    handed_on = 0
    with Live("camera", opening(flood()), said.append, QUICK) as live:
        frames = iter(live)
        assert patiently(lambda: "frozen" in states(said))
        began_s, before = time.monotonic(), read[0]
        while time.monotonic() - began_s < 1.0:
            next(frames)
            handed_on += 1
        took_s, after = time.monotonic() - began_s, read[0]
    assert after - before <= FASTEST_READ * (took_s + BURST_S) + 2
    assert handed_on / took_s <= FASTEST + 2
    assert states(said) == ["connected", "frozen"]


def test_silence_without_an_error_is_a_loss() -> None:
    over = threading.Event()

    def silent() -> Iterator[Image]:
        yield picture(1)
        over.wait(20)

    said: list[Health] = []
    with Live("camera", opening(silent(), paced(2_000, 0.005)), said.append, QUICK) as live:
        seen = []
        for got in live:
            seen.append(number_of(got.image))
            if len(seen) > 5:
                break
        over.set()
    assert states(said)[:3] == ["connected", "lost", "connected"]
    assert said[1].because == "no picture for 0.3 s, and no error; opened again in 0.02 s"
    assert said[1].time_s >= 0.3


def test_the_first_picture_may_take_longer() -> None:
    def late() -> Iterator[Image]:
        time.sleep(0.6)
        yield from paced(2_000, 0.005)

    said: list[Health] = []
    with Live("camera", opening(late()), said.append, QUICK) as live:
        assert next(iter(live)).time_s >= 0.6  # type: ignore[operator]
    assert states(said) == ["connected"]


def test_openings_that_hang_do_not_pile_up() -> None:
    over, opened = threading.Event(), [0]

    def hang() -> Streamed:
        opened[0] += 1

        def silent() -> Iterator[Image]:
            over.wait(20)
            yield picture(0)

        return Streamed(silent())

    patience = Patience(0.01, 0.01, 0.02, 0.02)
    with Live("camera", hang, patience=patience):
        assert patiently(lambda: opened[0] == STUCK)
        time.sleep(0.3)
        assert opened[0] == STUCK
        over.set()
        assert patiently(lambda: opened[0] > STUCK), "it goes on when they have woken up"


def test_what_was_given_up_is_not_heard_again() -> None:
    over = threading.Event()

    def silent() -> Iterator[Image]:
        yield picture(1)
        over.wait(20)
        while True:
            yield picture(99)

    with Live("camera", opening(silent(), paced(3_000, 0.002, same=True)), patience=QUICK) as live:
        frames = iter(live)
        assert number_of(next(frames).image) == 1
        assert number_of(next(frames).image) == 0
        over.set()
        assert {number_of(next(frames).image) for _ in range(20)} == {0}


def test_a_stream_that_cannot_be_opened_at_first_is_an_error_at_once() -> None:
    with pytest.raises(InputError, match="nobody answers"):
        Live("camera", opening())


def test_any_error_of_a_stream_is_a_loss_without_its_address() -> None:
    said: list[Health] = []
    broken = RuntimeError("rtsp://me:secret@cam/x went away")
    with Live("camera", opening(paced(1, 0), broken, paced(9_000, 0.01)), said.append, QUICK):
        assert patiently(lambda: states(said).count("connected") == 2)
    assert said[2].because.startswith("RuntimeError: rtsp://cam/x went away")


def test_an_error_of_the_listener_is_raised_where_frames_are_read() -> None:
    def listen(health: Health) -> None:
        if health.state == "lost":
            raise OSError("the log is full")

    with (
        Live("camera", opening(paced(3, 0.001)), listen, QUICK) as live,
        pytest.raises(OSError, match="the log is full"),
    ):
        list(live)


def test_closing_lets_go_of_whoever_waits() -> None:
    silent = threading.Event()

    def frames() -> Iterator[Image]:
        yield picture(0)
        silent.wait(5)

    before = threading.active_count()
    live = Live("camera", opening(frames()))
    reader = iter(live)
    assert next(reader).index == 0
    threading.Timer(0.1, live.close).start()
    assert list(reader) == []
    silent.set()
    assert patiently(lambda: threading.active_count() == before)


def test_a_clock_in_the_corner_is_a_picture_that_moves() -> None:
    guard, image = Unchanging(10.0), picture(0)
    for second in range(60):
        ticking = image.copy()
        ticking[3, 5] = second
        assert guard.look(lambda ticking=ticking: ticking, float(second)) is None  # type: ignore[misc]


def test_a_pace_lets_bursts_pass_and_bounds_the_rest() -> None:
    pace = Pace(10.0, 2.0, 0.0)
    assert [pace.wait_s(0.0) for _ in range(20)] == pytest.approx([0.0] * 20)
    assert pace.wait_s(0.0) == pytest.approx(0.1)
    assert pace.wait_s(5.0) == 0.0, "saved up again"
    now_s = 5.0
    for _ in range(1_000):
        now_s += pace.wait_s(now_s)
    assert now_s == pytest.approx(5.0 + (1_000 - 20) / 10, abs=0.3)


def test_another_size_is_another_picture() -> None:
    guard = Unchanging(1.0)
    for i in range(40):
        size = (64, 48) if i % 2 else (128, 96)
        assert guard.look(lambda size=size: np.zeros((*size, 3), np.uint8), i * 0.5) is None  # type: ignore[misc]


@pytest.mark.parametrize("wrong", [{"frozen_s": 0}, {"first_wait_s": -1}, {"longest_wait_s": float("nan")}])
def test_patience_that_is_none(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="patience"):
        Patience(**wrong)
