"""What streams in the field do, each fault against a server that does it, through the same door as the user's.

The waits are a hundredth of the real ones: what takes a camera 30 s takes these 0.3 s. Nothing else is scaled; FFmpeg,
the sockets and the threads are real.
"""

from __future__ import annotations

import io
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import InputError
from maskwise.stream.sources import video as video_module
from maskwise.stream.sources.live import BURST_S, FASTEST, FASTEST_READ, Health, Patience
from maskwise.stream.sources.opening import ADDRESSES, Source, open_source
from maskwise.stream.sources.video import Video
from maskwise.values import Frame
from tests.stream.footage import (
    RtspCamera,
    encoded,
    film,
    jpeg,
    listening,
    mjpeg_camera,
    mux,
    number_of,
    paced,
    patiently,
    picture,
)

HUNDREDTH = Patience(first_wait_s=0.01, longest_wait_s=0.3, frozen_s=0.4, first_picture_s=3.0)
Packets = list[tuple[bytes, bool]]


class Heard:
    """What became of a stream."""

    def __init__(self) -> None:
        self.all: list[Health] = []

    def __call__(self, health: Health) -> None:
        self.all.append(health)

    @property
    def states(self) -> list[str]:
        return [health.state for health in self.all]

    def count(self, state: str) -> int:
        return self.states.count(state)


@contextmanager
def rtsp(packets: Callable[[int], Iterable[tuple[bytes, bool]]], password: str = "") -> Iterator[str]:
    with listening(RtspCamera(packets, password)) as port:
        login = f"admin:{password}@" if password else ""
        yield f"rtsp://{login}127.0.0.1:{port}/live"


def until(source: Source, enough: Callable[[int], bool]) -> list[tuple[int, float]]:
    """Numbers and times of frames, until a number is enough."""
    seen = []
    for frame in source:
        seen.append((number_of(frame.image), frame.time_s or 0.0))
        if enough(seen[-1][0]):
            break
    return seen


def assert_in_order(seen: list[tuple[int, float]]) -> None:
    times = [time_s for _, time_s in seen]
    assert times == sorted(times)


class TestDiesAndReturns:
    """30 s without it, scaled to 0.3 s: as many attempts as the real waits would give (1, 2, 4, 8, 16 s)."""

    def test_http(self) -> None:
        heard = Heard()

        def sends(call: int) -> Iterator[bytes | float]:
            if 1 <= call <= 4:
                return  # takes the call and hangs up
            for i in range(20 if call == 0 else 10**6):
                yield jpeg(i if call == 0 else 100 + i % 100)
                yield 0.005

        with mjpeg_camera(sends, "s3cret/@") as address, open_source(address, None, heard, HUNDREDTH) as source:
            seen = until(source, lambda number: number >= 100)
        assert_in_order(seen)
        assert heard.states == ["connected", "lost", "lost", "lost", "lost", "lost", "connected"]
        assert [h.because.rpartition(" in ")[2] for h in heard.all[1:6]] == [
            f"{w} s" for w in (0.01, 0.02, 0.04, 0.08, 0.16)
        ]
        for health in heard.all:
            assert (
                health.source == source.name == f"http://127.0.0.1:{address.rpartition(':')[2].partition('/')[0]}/video"
            )
            assert "s3cret" not in health.because

    def test_rtsp_with_a_password(self) -> None:
        packets, heard = encoded(range(200)), Heard()

        def sends(call: int) -> Iterator[tuple[bytes, bool]]:
            if call in (1, 2, 3):
                return iter(())
            return paced(packets[:20] if call == 0 else packets[100:], lambda _: 50)

        with rtsp(sends, "s3cret") as address, open_source(address, None, heard, HUNDREDTH) as source:
            seen = until(source, lambda number: number >= 110)
        assert_in_order(seen)
        assert heard.count("connected") >= 2
        assert heard.count("lost") >= 4
        assert "s3cret" not in str(heard.all)
        assert source.name.endswith("/live")

    def test_a_server_that_is_gone_altogether(self) -> None:
        heard = Heard()
        with mjpeg_camera(lambda _: iter([jpeg(i) for i in range(9)])) as address:
            source = open_source(address, None, heard, HUNDREDTH)
            assert patiently(lambda: heard.count("lost") >= 1)
        with source:
            assert patiently(lambda: heard.count("lost") >= 6)
        assert "Connection refused; opened again in 0.3 s" in heard.all[-1].because

    def test_a_network_that_falls_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not even a hang-up: FFmpeg's own time limit ends it."""
        monkeypatch.setattr(video_module, "READ_S", 0.3)
        heard = Heard()

        def sends(call: int) -> Iterator[bytes | float]:
            for i in range(5 if call == 0 else 10**6):
                yield jpeg(i if call == 0 else 100)
                yield 0.005
            yield 20.0

        patience = Patience(0.01, 0.3, 15.0, 15.0)
        with mjpeg_camera(sends) as address, open_source(address, None, heard, patience) as source:
            until(source, lambda number: number == 100)
        assert heard.states[:3] == ["connected", "lost", "connected"]
        assert "nothing came for" in heard.all[1].because

    def test_nobody_there_at_the_start_is_an_error(self) -> None:
        with listening(lambda *_: None) as port:
            pass
        for scheme in ("rtsp", "http", "tcp", "rtmp"):
            with pytest.raises(InputError, match=rf"{scheme}://127.0.0.1:{port}/x: .*Connection refused"):
                open_source(f"{scheme}://me:s3cret@127.0.0.1:{port}/x")

    @pytest.mark.parametrize("kind", ["rtsp", "http"])
    def test_a_wrong_password_is_told_without_it(self, kind: str) -> None:
        camera = rtsp(lambda _: iter(()), "s3cret") if kind == "rtsp" else mjpeg_camera(lambda _: iter(()), "s3cret")
        with camera as address, pytest.raises(InputError, match="user or password are refused") as caught:
            open_source(address.replace("s3cret", "wr0ng"))
        assert "wr0ng" not in str(caught.value)


def test_corrupt_packets_cost_themselves_only() -> None:
    random = np.random.default_rng(0)

    def sends(_: int) -> Iterator[bytes | float]:
        for i in range(10**6):
            good = jpeg(i % 200)
            yield good[:200] + random.bytes(300) if i % 3 == 1 else b"\xff\xd8 no picture" if i % 3 == 2 else good
            yield 0.01

    heard = Heard()
    with mjpeg_camera(sends) as address, open_source(address, None, heard, HUNDREDTH) as source:
        seen = until(source, lambda number: number > 60)
        assert source.broken >= 10
    assert_in_order(seen)
    assert heard.states == ["connected"]


def test_damaged_h264_over_rtsp_goes_on() -> None:
    random, packets = np.random.default_rng(0), encoded(range(200), gop=10)
    damaged = [
        (data[:8] + random.bytes(len(data) - 8), key) if 30 <= i < 60 and i % 2 else (data, key)
        for i, (data, key) in enumerate(packets)
    ]
    heard = Heard()
    with (
        rtsp(lambda _: paced(damaged, lambda _: 60)) as address,
        open_source(address, None, heard, HUNDREDTH) as source,
    ):
        seen = until(source, lambda number: number > 150)
    assert_in_order(seen)
    assert heard.states == ["connected"]


def test_a_size_that_changes_midway() -> None:
    packets = [*encoded(range(40)), *encoded(range(40, 255), 128, 96)]
    sizes = []
    with (
        rtsp(lambda _: paced(packets, lambda _: 60)) as address,
        open_source(address, patience=HUNDREDTH) as source,
    ):
        for frame in source:
            sizes.append(frame.image.shape[:2])
            assert number_of(frame.image) >= 40 or sizes[-1] == (48, 64)
            if len(sizes) > 5 and sizes[-5:] == [(96, 128)] * 5:
                break
    assert sizes[0] == (48, 64)


def test_a_first_key_frame_that_comes_late() -> None:
    """15 s later, scaled; without it nothing can be shown, and nothing is lost or frozen."""
    packets, heard = encoded(range(200), gop=100), Heard()
    joined = packets[20:]  # 80 frames at 80 a second: 1 s
    with (
        rtsp(lambda _: paced(joined, lambda _: 80)) as address,
        open_source(address, None, heard, HUNDREDTH) as source,
    ):
        seen = until(source, lambda number: number > 120)
        assert source.broken >= 40
        assert source.facts is not None
        assert source.facts.rate is None or source.facts.rate < 200
    assert seen[0][0] >= 100
    assert heard.states == ["connected"]


@contextmanager
def flood(packets: Packets, codec: str) -> Iterator[str]:
    """A camera that sends the same frames again and again, as fast as they are read."""
    endless = itertools.cycle(packets)
    with mjpeg_camera(lambda _: (data for data, _ in endless)) if codec == "mjpeg" else rtsp(lambda _: endless) as at:
        yield at


def assert_bounded(frames: Iterator[Frame]) -> None:
    """However slow this machine is: no more are read and handed on than the promised rates allow."""
    first = next(frames)
    for _ in range(60):
        last = next(frames)
    took_s = (last.time_s or 0.0) - (first.time_s or 0.0)
    assert took_s >= 59 / FASTEST - 0.1
    assert last.index - first.index <= FASTEST_READ * (took_s + BURST_S) + 2


class TestFreezes:
    @pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
    def test_one_frame_over_and_over_as_fast_as_it_is_read(self, codec: str) -> None:
        packet = encoded([7], codec=codec)[0]
        heard = Heard()
        with flood([packet], codec) as address, open_source(address, None, heard, HUNDREDTH) as source:
            frames = iter(source)
            assert patiently(lambda: heard.count("frozen") == 1 if next(frames) else False)
            assert_bounded(frames)
        assert heard.states == ["connected", "frozen"]
        assert "one and the same picture" in heard.all[1].because

    @pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
    def test_frames_as_fast_as_they_are_read_are_bounded_even_if_they_change(self, codec: str) -> None:
        with flood(encoded(range(200), codec=codec), codec) as address, open_source(address) as source:
            frames = iter(source)
            for _ in range(30):
                next(frames)
            assert_bounded(frames)

    def test_silence_without_an_error(self) -> None:
        heard = Heard()

        def sends(call: int) -> Iterator[bytes | float]:
            for i in range(5 if call == 0 else 10**6):
                yield jpeg(i if call == 0 else 100 + i % 100)
                yield 0.005
            yield 20.0

        with mjpeg_camera(sends) as address, open_source(address, None, heard, HUNDREDTH) as source:
            until(source, lambda number: number >= 100)
        assert heard.states[:3] == ["connected", "lost", "connected"]
        assert heard.all[1].because.startswith("no picture for 0.4 s, and no error")

    def test_it_moves_again(self) -> None:
        heard = Heard()

        def sends(_: int) -> Iterator[bytes | float]:
            for i in range(10**6):
                yield jpeg(7 if i < 200 else i % 200)
                yield 0.005

        with mjpeg_camera(sends) as address, open_source(address, None, heard, HUNDREDTH):
            assert patiently(lambda: heard.count("moving") == 1)
        assert heard.states == ["connected", "frozen", "moving"]


def test_a_rate_that_switches_at_night_keeps_its_times() -> None:
    """80 frames a second, then 25: a stream of 25 and 8, a third as long. Times are those of arrival."""
    packets = encoded(range(200))
    with (
        rtsp(lambda _: paced(packets, lambda i: 50 if i < 80 else 16)) as address,
        open_source(address, patience=HUNDREDTH) as source,
    ):
        seen = until(source, lambda number: number >= 110)
    assert_in_order(seen)
    at = dict(reversed(seen))
    night = [number for number in sorted(at) if number >= 84]
    # The server never sends a frame early, so as many seconds must lie between two frames as the rate says, less what
    # the first of them may have been late.
    assert at[night[-1]] - at[night[0]] >= (night[-1] - night[0]) / 16 - 0.5
    assert len(night) >= 20, "at 16 a second nothing needs to be dropped"


def test_a_burst_of_old_frames_at_the_start_is_passed_over() -> None:
    """Servers send what they hold for a new caller at once."""
    packets = encoded(range(250))

    def sends(_: int) -> Iterator[tuple[bytes, bool]]:
        return paced(packets, lambda i: 10**6 if i < 150 else 30)

    with rtsp(sends) as address, open_source(address, patience=HUNDREDTH) as source:
        frames = iter(source)
        next(frames)
        assert patiently(lambda: number_of(next(frames).image) >= 150)
        seen = until(source, lambda number: number >= 180)
        assert source.dropped >= 100
    assert [number for number, _ in seen] == sorted({number for number, _ in seen})


def test_who_decodes_too_slowly_skips_to_a_later_key_frame() -> None:
    """A sleep stands for a decoder that is four times too slow; packets pile up in the sockets meanwhile."""
    sent = [0]

    def sends(_: int) -> Iterator[tuple[bytes, bool]]:
        for i, packet in enumerate(paced(encoded(range(250)), lambda _: 50)):
            sent[0] = i
            yield packet

    with rtsp(sends) as address, Video(address, options=ADDRESSES["rtsp"]) as video:
        late = []
        for make in video.pictures():
            late.append(sent[0] - number_of(make()))
            if sent[0] > 240:
                break
            time.sleep(0.08)
    assert video.dropped > 50
    assert max(late) > 60, "the decoder was too slow indeed"
    assert min(late[late.index(max(late)) :]) < 25, "and caught up"


def test_a_file_from_the_web_that_breaks_off_is_an_error_and_no_end(tmp_path: Path) -> None:
    data = film(tmp_path / "a.ts", range(200)).read_bytes()

    def serve(caller: socket.socket, _: int) -> None:
        caller.recv(4096)
        caller.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[: len(data) // 2])

    with listening(serve) as port, open_source(f"http://127.0.0.1:{port}/a.ts") as source:
        seen: list[int] = []
        with pytest.raises(InputError, match="the stream broke off"):
            seen.extend(number_of(frame.image) for frame in source)
    assert seen == list(range(len(seen)))
    assert len(seen) > 60


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_mpeg_ts_without_a_server(scheme: str) -> None:
    file = io.BytesIO()
    mux(file, encoded(range(250)), [36_000 + i / 25 for i in range(250)])
    data = file.getvalue()
    cells = [data[at : at + 7 * 188] for at in range(0, len(data), 7 * 188)]
    if scheme == "tcp":

        def serve(caller: socket.socket, _: int) -> None:
            for cell in cells:
                caller.sendall(cell)
                time.sleep(0.02)

        with listening(serve) as port, open_source(f"tcp://127.0.0.1:{port}", patience=HUNDREDTH) as source:
            seen = until(source, lambda number: number > 60)
    else:
        over = threading.Event()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def send() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
                while not over.is_set():
                    for cell in cells:
                        ours.sendto(cell, ("127.0.0.1", port))
                        if over.wait(0.02):
                            return

        threading.Thread(target=send, daemon=True).start()
        try:
            with open_source(f"udp://127.0.0.1:{port}", patience=HUNDREDTH) as source:
                seen = until(source, lambda number: number > 60)
        finally:
            over.set()
    assert_in_order(seen)
    assert source.live
    assert seen[-1][1] < 60, "not the ten hours of the stream's own clock"


def test_the_picture_of_the_tests_is_never_the_same_twice() -> None:
    assert not np.array_equal(picture(1), picture(2))
