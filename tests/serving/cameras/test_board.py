from __future__ import annotations

import gc
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from maskwise.serving.cameras.board import MOST_SUBSCRIBERS, Board
from maskwise.serving.cameras.look import Look
from maskwise.serving.cameras.state import Config, Health
from maskwise.serving.cameras.subscription import MOST_EVENTS
from maskwise.serving.problems import Busy, NotThere
from maskwise.stream.watching import Shown
from maskwise.values import Faces, FrameResult, Verdict
from tests.serving.awaiting import awaited


def look(stream: int = 1, verdicts: Sequence[str] = ("masked",), at_s: float = 0.0) -> Look:
    here = tuple(
        Shown(i, np.array([8, 8, 24, 24], np.float32), Verdict(verdict, 0.9)) for i, verdict in enumerate(verdicts, 1)
    )
    result = FrameResult("x", 0, 0.0, 64, 48, Faces.none(), ("masked", "unmasked"), np.zeros((0, 2), np.float32))
    return Look(stream, at_s, np.zeros((48, 64, 3), np.uint8), here, result)


def board(*streams: int) -> Board:
    there = Board()
    for stream in streams or (1,):
        there.put(Config(stream, f"stream {stream}", "secret", "shown", "file"), "connected")
    return there


def test_what_is_told_of_a_stream() -> None:
    there = board()
    there.show(look(verdicts=("masked", "masked", "unmasked", "uncertain")), Health(9.96, 3, 2, 12.34))
    told = there.stream(1)
    assert told["now"] == {
        "people": {"masked": 2, "incorrect": 0, "unmasked": 1, "uncertain": 1},
        "compliance": pytest.approx(2 / 3),
    }
    assert told["size"] == [64, 48]
    assert told["health"] == {"looks_per_s": 10.0, "dropped": 3, "broken": 2, "latency_ms": 12.3}
    assert "secret" not in str(told)


def test_nobody_is_decided_no_share() -> None:
    there = board()
    there.show(look(verdicts=("uncertain",)), Health())
    assert there.stream(1)["now"]["compliance"] is None


@pytest.mark.parametrize("state", ["lost", "failed", "paused", "starting"])
def test_who_was_in_sight_is_not_now_when_the_stream_is_lost(state: str) -> None:
    there = board()
    there.show(look(), Health(10.0, 3, 2, 12.0))
    there.say(1, state, "because")  # type: ignore[arg-type]
    told = there.stream(1)
    assert (told["state"], told["because"], told["now"]["people"]["masked"]) == (state, "because", 0)
    assert (told["health"]["looks_per_s"], told["health"]["latency_ms"], told["health"]["dropped"]) == (0, None, 3)
    assert there.look(1) is None


def test_in_a_frozen_picture_nobody_is_now() -> None:
    there = board()
    there.say(1, "frozen")
    there.show(look(), Health())
    assert there.stream(1)["now"]["people"]["masked"] == 0
    assert there.look(1) is not None


def test_streams_that_are_not_there() -> None:
    there = board()
    for ask in (there.stream, there.config):
        with pytest.raises(NotThere):
            ask(2)
    assert there.look(2) is None
    there.show(look(2), Health())
    there.say(2, "lost")
    assert [one["id"] for one in there.streams()] == [1]


def test_one_who_looks_is_given_all_news_at_once_and_of_looks_the_newest() -> None:
    there = board(1, 2)

    async def seen() -> None:
        with there.subscribe() as one:
            assert (await one.news(0.01)).nothing
            for i in range(500):
                there.show(look(1, at_s=float(i)), Health())
            there.show(look(2), Health())
            there.say(2, "lost", "gone")
            there.announce({"id": 7, "stream_id": 1})
            news = await one.news(5)
            assert (news.looks, news.streams, news.events) == ((1, 2), (2,), ({"id": 7, "stream_id": 1},))
            newest = there.look(1)
            assert newest is not None
            assert newest.at_s == 499.0
            assert (await one.news(0.01)).nothing

    awaited(seen())


def test_of_one_stream_only() -> None:
    there = board(1, 2)

    async def seen() -> None:
        with there.subscribe(2) as one:
            for stream in (1, 2):
                there.show(look(stream), Health())
                there.announce({"id": stream, "stream_id": stream})
                there.say(stream, "lost")
            news = await one.news(5)
            assert (news.looks, news.streams, [event["id"] for event in news.events]) == ((2,), (2,), [2])

    awaited(seen())


def test_one_who_is_slow_keeps_no_more_than_the_last_events() -> None:
    there = board()

    async def seen() -> None:
        with there.subscribe() as one:
            for i in range(MOST_EVENTS + 10):
                there.announce({"id": i, "stream_id": 1})
            news = await one.news(5)
            assert [event["id"] for event in news.events] == list(range(10, MOST_EVENTS + 10))

    awaited(seen())


def test_streams_come_and_go() -> None:
    there = board()

    async def seen() -> None:
        with there.subscribe() as one:
            there.put(Config(5, "new", "x", "x", "file"), "starting")
            there.remove(1)
            there.remove(1)
            news = await one.news(5)
            assert (news.streams, news.gone) == ((5,), (1,))

    awaited(seen())


def test_news_of_another_thread_wakes() -> None:
    there = board()

    async def seen() -> None:
        with there.subscribe() as one:
            threading.Timer(0.05, there.show, (look(), Health())).start()
            assert (await one.news(10)).looks == (1,)

    awaited(seen())


def test_closing_ends_those_who_look_and_those_who_come_later() -> None:
    there = board()

    async def seen() -> None:
        with there.subscribe() as one:
            threading.Timer(0.05, there.close).start()
            assert (await one.news(10)).over
        with there.subscribe() as late:
            assert (await late.news(10)).over

    awaited(seen())


def test_only_so_many_look_and_those_who_left_make_room() -> None:
    there = board()

    async def seen() -> None:
        those = [there.subscribe() for _ in range(MOST_SUBSCRIBERS)]
        with pytest.raises(Busy):
            there.subscribe()
        those[0].close()
        those[0] = there.subscribe()
        those.clear()  # never closed, as where a page leaves before it is answered
        gc.collect()
        there.subscribe().close()

    awaited(seen())


def test_one_whose_loop_is_gone_harms_nobody() -> None:
    there = board()

    async def forgotten() -> object:
        return there.subscribe()

    left = awaited(forgotten())
    there.show(look(), Health())
    there.announce({"id": 1, "stream_id": 1})
    assert left
