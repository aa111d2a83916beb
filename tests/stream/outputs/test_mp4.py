"""Written videos, read again by the decoder: times, sizes, and what is left of one whose writer was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from maskwise.errors import StorageError
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.sources.video import Video
from maskwise.values import Image


def picture(number: int, width: int = 64, height: int = 48) -> Image:
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, : 1 + number % width] = (200, 40, 40)
    return image


def test_every_frame_comes_back_at_its_own_time(tmp_path: Path) -> None:
    times = [0.0, 0.033, 0.067, 0.5, 0.51, 2.25, *(3_600.0 * i for i in range(1, 11)), 36_000.04]  # and ten hours
    with Mp4(tmp_path / "a.mp4") as video:
        for i, t in enumerate(times):
            video.write(picture(i * 7), t)
    with Video(str(tmp_path / "a.mp4")) as again:
        frames = list(again)
    assert [f.time_s for f in frames] == pytest.approx(times, abs=1e-4)
    assert {f.image.shape for f in frames} == {(48, 64, 3)}
    for i, f in enumerate(frames):
        assert np.abs(f.image.astype(int) - picture(i * 7)).mean() < 12, f"frame {i}"


def test_browsers_play_it(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        video.write(picture(3), 0.0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"


@pytest.mark.parametrize(("width", "height"), [(63, 47), (64, 47), (2, 2), (321, 241)])
def test_odd_sizes_lose_a_pixel(tmp_path: Path, width: int, height: int) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        video.write(picture(1, width, height), 0.0)
    with Video(str(tmp_path / "a.mp4")) as again:
        assert (again.facts.width, again.facts.height) == (width - width % 2, height - height % 2)


def test_another_size_midway_is_fitted_in(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        video.write(picture(64), 0.0)
        video.write(np.full((480, 320, 3), 250, np.uint8), 0.1)
    with Video(str(tmp_path / "a.mp4")) as again:
        last = list(again)[-1].image
    assert last.shape == (48, 64, 3)
    assert last[24, 32].mean() > 230
    assert last[24, 3].mean() < 25, "black beside it"


def test_a_time_that_does_not_rise_is_moved_and_nothing_is_lost(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        for t in (0.0, 0.0, 1.0, 0.5):
            video.write(picture(1), t)
    with Video(str(tmp_path / "a.mp4")) as again:
        assert len(list(again)) == 4


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from maskwise.stream.outputs.mp4 import Mp4
video = Mp4(Path(sys.argv[1]))
for i in range(10**6):
    video.write(np.full((48, 64, 3), i % 200, np.uint8), i / 25)
    print(i, flush=True)
    time.sleep(0.002)
"""


def test_a_killed_writer_leaves_a_film_that_lacks_two_seconds_at_most(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "a.mp4")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    written = 0
    while written < 250:
        written = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with Video(str(tmp_path / "a.mp4")) as again:
        frames = list(again)
    assert len(frames) >= written - 2 * 25
    assert frames[-1].time_s == pytest.approx((len(frames) - 1) / 25, abs=1e-3)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"), Mp4(tmp_path / "file" / "a.mp4") as video:
        video.write(picture(0), 0.0)


def test_nothing_written_makes_no_file(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4"):
        pass
    assert not (tmp_path / "a.mp4").exists()
