"""Videos made here, with every fault that a file can have."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import InputError
from maskwise.stream.sources.video import BACKLOG_S, Backlog, Timeline, Video
from maskwise.values import Frame, Image
from tests.stream.footage import encoded, film, mux, number_of, picture, sound


def read(path: Path, rate: float | None = None) -> tuple[list[Frame], Video]:
    with Video(str(path), rate=rate) as video:
        return list(video), video


def numbers(frames: Sequence[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


def times(frames: Sequence[Frame]) -> list[float]:
    return [frame.time_s or 0.0 for frame in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov", ".avi", ".flv", ".m4v"])
def test_every_frame_comes_once_in_the_order_shown(tmp_path: Path, suffix: str) -> None:
    frames, video = read(film(tmp_path / f"a{suffix}", range(60)))
    assert numbers(frames) == list(range(60))
    assert times(frames) == pytest.approx([i / 25 for i in range(60)], abs=1e-3)
    assert [f.index for f in frames] == list(range(60))
    assert (video.broken, video.dropped, video.live) == (0, 0, False)
    assert (video.facts.width, video.facts.height, video.facts.rate) == (64, 48, 25)
    assert video.facts.duration_s == pytest.approx(2.4, abs=0.1)


def test_29_97_is_30000_1001(tmp_path: Path) -> None:
    frames, video = read(film(tmp_path / "a.mp4", range(120), rate=Fraction(30_000, 1001)))
    assert times(frames) == pytest.approx([i * 1001 / 30_000 for i in range(120)], abs=1e-9)
    assert video.facts.rate == pytest.approx(30_000 / 1001)


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    when = [0.0, 0.01, 0.5, 0.51, 0.9, 4.0, 4.04, 11.5, 11.6, 11.7, 60.0]
    frames, _ = read(film(tmp_path / "a.mp4", range(len(when)), when))
    assert times(frames) == pytest.approx(when, abs=1e-4)
    assert numbers(frames) == list(range(len(when)))


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize("start_s", [0.0, 1.4, 36_000.0])
def test_ten_hours_are_exact_to_the_millisecond_wherever_the_clock_starts(
    tmp_path: Path, container: str, start_s: float
) -> None:
    when = [0.0, 0.04, 3_600.0, 36_000.0, 36_000.04, 36_000.123]
    path = tmp_path / "a"
    mux(path, encoded(range(6)), [start_s + t for t in when], container)
    frames, _ = read(path)
    assert numbers(frames) == list(range(6))
    assert times(frames) == pytest.approx(when, abs=6e-4)


def test_a_clock_that_is_set_back_goes_on(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("1.ts", "2.ts"))
    mux(first, encoded(range(30)), [7_200 + i / 25 for i in range(30)])
    mux(second, encoded(range(30, 60)), [i / 25 for i in range(30)])
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    frames, _ = read(both)
    assert numbers(frames) == list(range(60))
    assert times(frames) == pytest.approx([i / 25 for i in range(60)], abs=1e-3)


def test_a_clock_that_runs_over_goes_on(tmp_path: Path) -> None:
    """Those of MPEG-TS begin anew after 26.5 hours, at 2 ** 33 ticks."""
    mux(tmp_path / "a", encoded(range(60)), [2**33 / 90_000 - 1 + i / 25 for i in range(60)])
    frames, _ = read(tmp_path / "a")
    assert numbers(frames) == list(range(60))
    assert times(frames) == pytest.approx([i / 25 for i in range(60)], abs=1e-3)


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0.0, 0.1, 0.2], [0.0, 0.1, 0.2]),
        ([0.0, 0.1, 50.0], [0.0, 0.1, 50.0]),
        ([0.0, 0.1, 0.08, 0.2], [0.0, 0.1, 0.1, 0.2]),
        ([10.0, 10.1, 2.0, 2.1], [10.0, 10.1, 10.2, 10.3]),
        ([10.0, 2.0, 1.5, 2.1], [10.0, 10.1, 10.1, 10.2]),
        ([None, None, None], [0.0, 0.1, 0.2]),
        ([None, 0.5, None, 0.7], [0.0, 0.5, 0.6, 0.7]),
        ([-0.3, -0.1, 0.1], [0.0, 0.0, 0.1]),
    ],
)
def test_times_out_of_time_stamps(stamps: list[float | None], expected: list[float]) -> None:
    timeline = Timeline(0.1)
    assert [timeline.time_of(s) for s in stamps] == pytest.approx(expected)


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_times_never_fall(stamps: list[float | None]) -> None:
    timeline = Timeline(0.04)
    got = [timeline.time_of(s) for s in stamps]
    assert got == sorted(got)
    assert all(t >= 0 for t in got)


@pytest.mark.parametrize("suffix", [".h264", ".mjpeg"])
@pytest.mark.parametrize(("rate", "step_s"), [(None, 0.04), (10.0, 0.1)])
def test_what_has_no_times_gets_them_from_the_rate(
    tmp_path: Path, suffix: str, rate: float | None, step_s: float
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"".join(p for p, _ in encoded(range(20), codec="mjpeg" if suffix == ".mjpeg" else "libx264")))
    frames, _ = read(path, rate)
    assert numbers(frames) == list(range(20))
    assert times(frames) == pytest.approx([i * step_s for i in range(20)])


def test_a_rate_does_not_change_times_that_there_are(tmp_path: Path) -> None:
    frames, _ = read(film(tmp_path / "a.mp4", range(5)), rate=1.0)
    assert times(frames) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16], abs=1e-4)


def corner(_: int) -> Image:
    """Wide, with a red corner at the top left."""
    image = np.full((48, 96, 3), 30, np.uint8)
    image[:24, :48] = (220, 30, 30)
    return image


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_come_upright(tmp_path: Path, rotation: int) -> None:
    path = film(tmp_path / "a.mp4", range(3), size=(96, 48), rotation=rotation, make=corner)
    frames, video = read(path)
    # Where the corner is after so many degrees counter-clockwise, which is what the file asks for.
    (height, width), row, column = {
        0: ((48, 96), 0, 0), 90: ((96, 48), -1, 0), 180: ((48, 96), -1, -1), 270: ((96, 48), 0, -1)
    }[rotation]  # fmt: skip
    for frame in frames:
        assert frame.image.shape == (height, width, 3)
        assert frame.image[row, column, 0] > 180, "the red corner is here"
        red = [frame.image[r, c, 0] > 150 for r in (0, -1) for c in (0, -1)]
        assert sum(red) == 1, "and nowhere else"
        assert frame.image.flags.c_contiguous
    assert (video.facts.width, video.facts.height) == (96, 48)


@pytest.mark.parametrize("size", [(63, 47), (1, 1), (321, 2), (16, 241)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    frames, _ = read(film(tmp_path / "a.mkv", range(3), size=size))
    assert {f.image.shape for f in frames} == {(size[1], size[0], 3)}


def test_interlaced_frames_come_whole(tmp_path: Path) -> None:
    interlaced = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    frames, _ = read(film(tmp_path / "a.mp4", range(20), size=(64, 64), options=interlaced))
    assert numbers(frames) == list(range(20))
    assert {f.image.shape for f in frames} == {(64, 64, 3)}


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_a_size_that_changes_midway(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a"
    packets = [
        *encoded(range(10), 64, 48, codec=codec),
        *encoded(range(10, 20), 128, 96, codec=codec),
        *encoded(range(20, 30), 48, 64, codec=codec),
    ]
    mux(path, packets, container="mpegts" if codec == "libx264" else "matroska", codec=codec)
    frames, _ = read(path)
    assert numbers(frames) == list(range(30))
    assert [f.image.shape[:2] for f in frames] == [(48, 64)] * 10 + [(96, 128)] * 10 + [(64, 48)] * 10


@pytest.mark.parametrize("container", ["mpegts", "matroska"])
def test_what_comes_before_the_first_key_frame_is_counted(tmp_path: Path, container: str) -> None:
    path = tmp_path / "a"
    mux(path, encoded(range(60), gop=30)[12:], container=container)
    frames, video = read(path)
    assert numbers(frames) == list(range(30, 60))
    assert video.broken == 18
    assert times(frames)[0] == pytest.approx(18 / 25, abs=1e-3)


def test_no_key_frame_at_all_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    mux(path, encoded(range(30), gop=100)[1:])
    with pytest.raises(InputError, match="not one frame could be decoded; 29 packets were broken"):
        read(path)


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.ts", {}), ("a.mkv", {}), ("a.mp4", {"movflags": "frag_keyframe+empty_moov"}),
     ("a.mp4", {"movflags": "faststart"})],
)  # fmt: skip
def test_a_file_that_is_cut_off_gives_what_is_there(tmp_path: Path, name: str, container: dict[str, str]) -> None:
    whole = film(tmp_path / name, range(200), container=container)
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    frames, _ = read(cut)
    got = numbers(frames)
    assert got == sorted(set(got))
    assert got[:50] == list(range(50))
    assert got[-1] < 150
    assert times(frames) == pytest.approx([number / 25 for number in got], abs=1e-3)


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", range(100))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match="cut off before its index"):
        read(cut)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_damage_in_the_middle_costs_the_frames_around_it(tmp_path: Path, suffix: str, seed: int) -> None:
    path = film(tmp_path / f"a{suffix}", range(250), container={"cluster_time_limit": "1000"})
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(len(data) * 4 // 10, len(data) * 6 // 10, 5):
        data[at : at + 400] = random.bytes(400)
    path.write_bytes(data)
    frames, _ = read(path)
    got = numbers(frames)
    assert got[:75] == list(range(75)), "before it nothing is lost"
    assert got[-50:] == list(range(200, 250)), "nor after it"
    assert times(frames) == sorted(times(frames))
    assert np.diff(times(frames)[-50:]) == pytest.approx(np.full(49, 0.04), abs=1e-3), "and the clock goes on"


def test_packets_that_are_no_picture_are_counted(tmp_path: Path) -> None:
    packets = encoded(range(40), codec="mjpeg")
    packets[10] = packets[25] = (b"no picture at all" * 20, True)
    mux(tmp_path / "a", packets, container="matroska", codec="mjpeg")
    frames, video = read(tmp_path / "a")
    assert numbers(frames) == [i for i in range(40) if i not in (10, 25)]
    assert video.broken == 2
    assert times(frames)[10] == pytest.approx(11 / 25, abs=1e-3), "the gap stays a gap"


@pytest.mark.parametrize("name", ["a:b.mp4", "file with spaces.mp4", "ütf-8 ☃.mp4", "100%.mp4", "a%03d.mp4", "-x.mp4"])
def test_any_file_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    film(tmp_path / "plain.mp4", range(3)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with Video(name) as video:
        assert len(list(video)) == 3
    assert video.name == name


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"just a text\n" * 50, "it is no video"), (b"\0" * 5_000, "it is no video"), (b"", "it is no video")],
)
def test_what_is_no_video(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.mp4: cannot be opened as a video: {told}"):
        Video(str(path))


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no film in it, only audio"):
        Video(str(sound(tmp_path / "a.mp4")))


def test_pictures_are_those_of_the_frames(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", range(10))
    with Video(str(tmp_path / "a.mp4")) as video:
        assert [number_of(make()) for make in video.pictures()] == list(range(10))


def test_closing_ends_it(tmp_path: Path) -> None:
    video = Video(str(film(tmp_path / "a.mp4", range(50))))
    frames = iter(video)
    assert next(frames).index == 0
    video.close()
    assert list(frames) == []
    video.close()
    assert list(video) == []


def test_closing_does_not_wait_for_a_silent_pipe() -> None:
    reading, writing = os.pipe()
    data = io.BytesIO()
    mux(data, encoded(range(40)))
    ended = threading.Event()
    with os.fdopen(reading, "rb", buffering=0) as ours, os.fdopen(writing, "wb", buffering=0) as theirs:
        threading.Thread(target=theirs.write, args=(data.getvalue()[: 188 * 60],), daemon=True).start()
        # What FFmpeg reads to recognise the stream is held by it: a small look leaves something to wait for.
        video = Video(ours, options={"probesize": "5000", "analyzeduration": "1"})

        def read() -> None:
            list(video)
            ended.set()

        threading.Thread(target=read, daemon=True).start()
        assert not ended.wait(0.5), "it waits for the pipe"
        video.close()
        theirs.write(data.getvalue()[188 * 60 :])
        theirs.close()
        assert ended.wait(20)


def passed(arrivals: Sequence[tuple[float, float, bool]]) -> list[bool]:
    backlog = Backlog(0.0)
    return [backlog.passes(*arrival) for arrival in arrivals]


class TestBacklog:
    """Seconds asked and come, and whether it is a key frame: what is decoded."""

    def test_a_reader_that_waits_misses_nothing(self) -> None:
        assert all(passed([(i / 25, i / 25 + 0.03, i % 50 == 0) for i in range(1_000)]))

    def test_a_slow_reader_jumps_to_the_key_frame_after_the_backlog(self) -> None:
        slow = [(i * 0.1, i * 0.1, False) for i in range(22)]  # 10 a second, and never a wait: more are there
        drained = [(2.11 + i * 1e-4, 2.11 + i * 1e-4, i == 5) for i in range(20)]
        waits = [(2.2, 2.23, False), (2.24, 2.27, False), (2.28, 2.31, True), (2.32, 2.35, False)]
        got = passed([*slow, *drained, *waits])
        assert got[:21] == [True] * 21, f"{BACKLOG_S} s are allowed"
        assert not any(got[21:44]), "neither what waits, its key frame included, nor what needs a key frame"
        assert got[44:] == [True, True]

    def test_what_comes_as_fast_as_it_is_read_is_not_passed_over_for_ever(self) -> None:
        got = passed([(i / 200, i / 200, True) for i in range(4_000)])
        assert all(got[:400])
        assert got.count(False) == 1_000, "once what a network might hold"
        assert all(got[-2_500:])


def test_the_number_in_a_picture_can_be_read() -> None:
    assert [number_of(picture(i)) for i in range(256)] == list(range(256))
