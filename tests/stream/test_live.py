"""A source that never ends, against streams made here: what is slow, what breaks off, what freezes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from maskwise.errors import InputError
from maskwise.stream.live import Health, Live
from maskwise.values import Frame


def frame(number: int) -> Frame:
    return Frame(np.full((32, 32, 3), number % 256, np.uint8), "rtsp://u:p@host", number, float(number))


def opening(*streams: Iterable[Frame] | InputError) -> object:
    """Opens one stream after the other; an error stands for one that cannot be opened."""
    coming = iter(streams)

    @contextmanager
    def stream(frames: Iterable[Frame]) -> Iterator[Iterable[Frame]]:
        yield frames

    def open_() -> AbstractContextManager[Iterable[Frame]]:
        following = next(coming, InputError("nobody answers"))
        if isinstance(following, InputError):
            raise following
        return stream(following)

    return open_


def paced(count: int, pause_s: float, *, same: bool = False) -> Iterator[Frame]:
    for i in range(count):
        time.sleep(pause_s)
        yield frame(0 if same else i)


def test_a_slow_reader_gets_the_newest_frame_and_is_never_late() -> None:
    with Live("camera", opening(paced(200, 0.005))) as live:  # type: ignore[arg-type]
        seen = []
        for got in live:
            seen.append(got)
            if got.index > 150:
                break
            time.sleep(0.05)
    assert len(seen) < 30
    assert live.dropped >= 150 - len(seen)
    assert [f.index for f in seen] == sorted({f.index for f in seen})
    assert {f.source for f in seen} == {"camera"}, "the address does not get out"
    gaps = np.diff([f.time_s or 0 for f in seen])
    assert (gaps > 0).all()


def test_what_breaks_off_is_opened_again_and_goes_on_counting() -> None:
    said: list[Health] = []
    streams = opening(paced(5, 0.002), InputError("refused"), InputError("refused"), paced(500, 0.002))
    with Live("camera", streams, said.append, first_wait_s=0.02) as live:  # type: ignore[arg-type]
        last = -1
        for got in live:
            assert got.index > last
            last = got.index
            if sum(h.state == "connected" for h in said) == 2 and last > 20:
                break
    assert [h.state for h in said][:5] == ["connected", "lost", "lost", "lost", "connected"]
    waits = [b.time_s - a.time_s for a, b in zip(said[1:4], said[2:5], strict=True)]
    assert waits[0] >= 0.02
    assert waits[1] >= 0.04
    assert waits[2] >= 0.08, "each time twice as long"
    assert "refused" in said[2].because


def test_a_picture_that_never_changes_is_called_frozen_once_and_moving_again() -> None:
    def frames() -> Iterator[Frame]:
        yield from paced(3, 0.005)
        yield from paced(60, 0.005, same=True)
        yield from paced(400, 0.005)

    said: list[Health] = []
    with Live("camera", opening(frames()), said.append, frozen_s=0.1) as live:  # type: ignore[arg-type]
        for _ in live:
            if said[-1].state == "moving":
                break
    assert [h.state for h in said] == ["connected", "frozen", "moving"]
    assert 0.09 < said[1].time_s - said[0].time_s < 0.6


def test_a_stream_that_cannot_be_opened_at_first_is_an_error_at_once() -> None:
    with pytest.raises(InputError, match="nobody answers"):
        Live("camera", opening())  # type: ignore[arg-type]


def test_closing_lets_go_of_whoever_waits() -> None:
    silent = threading.Event()

    def frames() -> Iterator[Frame]:
        yield frame(0)
        silent.wait(5)

    live = Live("camera", opening(frames()))  # type: ignore[arg-type]
    threading.Timer(0.2, live.close).start()
    began = time.monotonic()
    assert len(list(live)) == 1
    assert time.monotonic() - began < 3
    silent.set()
