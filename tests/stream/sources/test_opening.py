"""What the user writes, and what becomes of it: the right source, or one clear line."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from maskwise.errors import ConfigError, InputError
from maskwise.stream.sources.live import Live, Patience
from maskwise.stream.sources.opening import ADDRESSES, Pictures, is_video, open_source
from maskwise.stream.sources.video import Video
from maskwise.values import Frame
from tests.stream.footage import encoded, film, jpeg, mjpeg_camera, mux, number_of, picture


def save(path: Path, number: int, width: int = 64, height: int = 48) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(picture(number, width, height)).save(path)
    return path


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


class TestPictures:
    def test_one_picture_is_one_frame_at_0(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.png", 77)
        with open_source(str(path)) as source:
            frames = list(source)
        assert [(number_of(f.image), f.time_s, f.index, f.source) for f in frames] == [(77, 0.0, 0, str(path))]
        assert not source.live

    @pytest.mark.parametrize("written", ["{}", "{}/*.png", "{}/img%d.png", "{}/**/*.png"])
    @pytest.mark.parametrize(("rate", "step_s"), [(None, 0.04), (10.0, 0.1), (29.97, 1 / 29.97)])
    def test_a_sequence_in_natural_order(self, tmp_path: Path, written: str, rate: float | None, step_s: float) -> None:
        for number in (10, 9, 1, 100, 2, 11):
            save(tmp_path / f"img{number}.png", number)
        with open_source(written.format(tmp_path), rate) as source:
            frames = list(source)
        assert numbers(frames) == [1, 2, 9, 10, 11, 100]
        assert [f.time_s for f in frames] == pytest.approx([i * step_s for i in range(6)])
        assert source.facts is not None
        assert source.facts.duration_s == pytest.approx(6 * step_s)
        assert (source.facts.width, source.facts.height) == (64, 48)

    def test_folders_are_in_natural_order_too(self, tmp_path: Path) -> None:
        for folder, number in (("day10", 3), ("day2", 1), ("day2", 2), ("day10", 4)):
            save(tmp_path / folder / f"{number}.png", number)
        with open_source(str(tmp_path)) as source:
            assert numbers(list(source)) == [1, 2, 3, 4]

    def test_each_picture_has_its_own_size(self, tmp_path: Path) -> None:
        for number in (1, 2):
            save(tmp_path / f"{number}.png", number, 64 * number, 48 * number)
        with open_source(str(tmp_path)) as source:
            assert [f.image.shape[:2] for f in source] == [(48, 64), (96, 128)]

    def test_one_that_cannot_be_read_is_a_gap(self, tmp_path: Path) -> None:
        for number in range(5):
            save(tmp_path / f"{number}.png", number)
        (tmp_path / "2.png").write_bytes(b"no picture")
        with open_source(str(tmp_path), 10) as source:
            frames = list(source)
        assert numbers(frames) == [0, 1, 3, 4]
        assert [f.time_s for f in frames] == pytest.approx([0, 0.1, 0.3, 0.4])
        assert [f.index for f in frames] == [0, 1, 2, 3]
        assert source.broken == 1

    def test_none_that_can_be_read_is_an_error(self, tmp_path: Path) -> None:
        for name in "ab":
            (tmp_path / f"{name}.png").write_bytes(b"no picture")
        with open_source(str(tmp_path)) as source, pytest.raises(InputError, match=r"not one of 2 pictures .*b\.png"):
            list(source)

    def test_closing_ends_it(self, tmp_path: Path) -> None:
        for number in range(9):
            save(tmp_path / f"{number}.png", number)
        source = open_source(str(tmp_path))
        frames = iter(source)
        next(frames)
        source.close()
        assert list(frames) == []


class TestFiles:
    @pytest.mark.parametrize("name", ["a.mp4", "a.MKV", "a", "a.unknown", "http:video", "camera.mp4"])
    def test_a_video_whatever_it_is_called(self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        film(tmp_path / "plain.mp4", range(5)).rename(tmp_path / name)
        monkeypatch.chdir(tmp_path)
        with open_source(name) as source:
            assert numbers(list(source)) == [0, 1, 2, 3, 4]
        assert (source.name, source.live, source.dropped, source.broken) == (name, False, 0, 0)

    def test_a_pipe_with_a_name(self, tmp_path: Path) -> None:
        film(tmp_path / "a.ts", range(50))
        os.mkfifo(tmp_path / "pipe")
        threading.Thread(
            target=lambda: (tmp_path / "pipe").write_bytes((tmp_path / "a.ts").read_bytes()), daemon=True
        ).start()
        with open_source(str(tmp_path / "pipe")) as source:
            assert numbers(list(source)) == list(range(50))

    @pytest.mark.parametrize(
        ("name", "head", "video"),
        [
            ("a.mp4", b"", True),
            ("a.DAV", b"", True),
            ("a.gif", b"GIF89a", False),
            ("a.jpg", b"\0\0\0\x18ftypisom", False),
            ("a", b"\0\0\0\x18ftypisom", True),
            ("a", b"\0\0\0\x18ftypqt  ", True),
            ("a", b"\0\0\0\x18ftypavif", False),
            ("a", b"\0\0\0\x18ftypheic", False),
            ("a", b"\0\0\0\x18ftypM4A ", False),
            ("a.bin", b"\x1a\x45\xdf\xa3 and more", True),
            ("a.x", b"RIFF\0\0\0\0AVI LIST", True),
            ("a.x", b"RIFF\0\0\0\0WEBPVP8 ", False),
            ("a.x", b"RIFF\0\0\0\0WAVEfmt ", False),
            ("a.x", (b"G" + b"\0" * 187) * 4, True),
            ("a.x", (b"\0\0\0\0G" + b"\0" * 187) * 4, True),
            ("a.x", b"G" + b"\0" * 500, False),
            ("a.x", b"GGGG is a text", False),
            ("a.txt", b"words", False),
            ("a", b"", False),
        ],
    )
    def test_is_video(self, tmp_path: Path, name: str, head: bytes, video: bool) -> None:
        (tmp_path / name).write_bytes(head)
        assert is_video(tmp_path / name) is video

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".flv", ".h264", ".mov"])
    def test_is_video_knows_real_ones_without_their_name(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        if suffix == ".h264":
            path.write_bytes(b"".join(data for data, _ in encoded(range(3))))
        else:
            film(path, range(3))
        assert is_video(path.rename(tmp_path / "a"))

    def test_what_cannot_be_looked_into_is_no_video(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "nothing", tmp_path, tmp_path / "pipe", Path("a\0b")):
            assert not is_video(path)

    def test_is_video_does_not_need_the_extra(self) -> None:
        code = "import sys; sys.modules['av'] = None\nfrom maskwise.stream.sources.opening import is_video"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestPiped:
    def piped(self, data: bytes) -> Any:
        """The reading end of a real pipe that somebody fills in small pieces."""
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer, 700)"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None

        def fill() -> None:
            assert process.stdin is not None
            process.stdin.write(data)
            process.stdin.close()
            process.wait()

        threading.Thread(target=fill, daemon=True).start()
        return process.stdout

    @pytest.mark.parametrize("container", ["mpegts", "matroska", "h264", "mjpeg", "flv"])
    def test_a_container_or_bare_frames(self, container: str) -> None:
        codec = "mjpeg" if container == "mjpeg" else "libx264"
        if container in ("h264", "mjpeg"):
            data = b"".join(packet for packet, _ in encoded(range(100), codec=codec))
        else:
            file = io.BytesIO()
            mux(file, encoded(range(100)), container=container)
            data = file.getvalue()
        with open_source("-", stdin=self.piped(data)) as source:
            frames = list(source)
        assert numbers(frames) == list(range(100))
        assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(100)], abs=2e-3)
        assert (source.name, source.live) == ("-", False)
        assert {f.source for f in frames} == {"-"}

    def test_jpeg_files_one_after_the_other(self) -> None:
        with open_source("-", 5, stdin=self.piped(b"".join(map(jpeg, range(30))))) as source:
            frames = list(source)
        assert numbers(frames) == list(range(30))
        assert [f.time_s for f in frames] == pytest.approx([i / 5 for i in range(30)])

    @pytest.mark.parametrize("data", [b"", b"a text\n" * 9])
    def test_what_is_no_video(self, data: bytes) -> None:
        with pytest.raises(InputError, match=r"^-: cannot be opened as a video: it is no video"):
            open_source("-", stdin=self.piped(data))

    @pytest.mark.parametrize(
        ("flags", "told"),
        [("", "an MP4 with its index at the end"), ("faststart", ""), ("frag_keyframe+empty_moov", "")],
    )
    def test_an_mp4_needs_its_index_first(self, tmp_path: Path, flags: str, told: str) -> None:
        path = film(tmp_path / "a.mp4", range(200), size=(640, 480), container={"movflags": flags} if flags else {})
        assert path.stat().st_size > 1 << 15, "more than FFmpeg holds to recognise it"
        if told:
            with pytest.raises(InputError, match=told):
                open_source("-", stdin=self.piped(path.read_bytes()))
        else:
            with open_source("-", stdin=self.piped(path.read_bytes())) as source:
                assert numbers(list(source)) == list(range(200))
        with path.open("rb") as file, open_source("-", stdin=file) as source:
            assert numbers(list(source)) == list(range(200)), "a file as standard input can be read either way"

    def test_a_terminal_is_refused(self) -> None:
        ours, theirs = pty.openpty()
        with (
            os.fdopen(theirs, "rb", buffering=0) as terminal,
            os.fdopen(ours, "rb", buffering=0),
            pytest.raises(InputError, match="standard input is a terminal"),
        ):
            open_source("-", stdin=terminal)

    def test_none_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(InputError, match="no standard input"):
            open_source("-")


class Webcam:
    """A camera as OpenCV gives it: frames are BGR; here those of a film, for there is no camera where tests run."""

    def __init__(self, works: bool = True, frames: int = 10**6) -> None:
        self._works, self._left, self.released = works, frames, 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._works

    def read(self) -> tuple[bool, Any]:
        if not self._left:
            return False, None
        self._left -= 1
        threading.Event().wait(0.005)
        bgr = np.zeros((48, 64, 3), np.uint8)
        bgr[..., 2] = 200  # red
        bgr[0, 0, 0] = self._left % 256
        return True, bgr

    def get(self, prop: int, /) -> float:
        return {3: 64.0, 4: 48.0, 5: 30.0}.get(prop, 0.0)

    def release(self) -> None:
        self.released += 1


class TestCameras:
    @pytest.mark.parametrize("written", ["camera:2", "CAMERA:2", "/dev/video2"])
    def test_frames_are_rgb(self, written: str) -> None:
        webcam, asked = Webcam(), []

        def open_device(number: int) -> Webcam:
            asked.append(number)
            return webcam

        with open_source(written, open_device=open_device) as source:
            frames = [frame for frame, _ in zip(source, range(3), strict=False)]
        assert asked == [2]
        assert {tuple(f.image[5, 5]) for f in frames} == {(200, 0, 0)}
        assert (source.name, source.live, frames[0].source) == ("camera:2", True, "camera:2")
        assert source.facts is not None
        assert (source.facts.width, source.facts.height, source.facts.rate) == (64, 48, 30)
        assert webcam.released == 1

    def test_grey_cameras_are_rgb_too(self) -> None:
        class Infrared(Webcam):
            def read(self) -> tuple[bool, Any]:
                super().read()
                return True, np.full((48, 64), 90, np.uint8)

        with open_source("camera:0", open_device=lambda _: Infrared()) as source:
            assert tuple(next(iter(source)).image[0, 0]) == (90, 90, 90)

    @pytest.mark.parametrize(
        ("there", "told"),
        [
            ({1, 3}, r"camera:0: no such camera answers; these do: camera:1, camera:3"),
            (set(), "none does; plug one in"),
        ],
    )
    def test_one_that_is_absent_says_which_are_there(self, there: set[int], told: str) -> None:
        opened: list[Webcam] = []

        def open_device(number: int) -> Webcam:
            opened.append(Webcam(number in there))
            return opened[-1]

        with pytest.raises(InputError, match=told):
            open_source("camera:0", open_device=open_device)
        assert all(webcam.released == 1 for webcam in opened)

    def test_one_that_is_pulled_out_comes_back(self) -> None:
        said: list[str] = []
        webcams = iter([Webcam(frames=3), Webcam(works=False), Webcam()])

        def open_device(number: int) -> Webcam:
            return next(webcams) if number == 0 else Webcam(works=False)

        patience = Patience(0.01, 0.1, 5.0, 5.0)
        with open_source("camera:0", None, lambda h: said.append(h.state), patience, open_device=open_device) as source:
            for frame in source:
                if frame.index > 6:
                    break
        assert said == ["connected", "lost", "lost", "connected"]

    @pytest.mark.parametrize("written", ["camera:", "camera:front", "camera:-1", "camera:1.5", "camera:99999"])
    def test_what_is_no_number(self, written: str) -> None:
        with pytest.raises(InputError, match="not the number of a camera"):
            open_source(written, open_device=lambda _: Webcam())

    def test_a_machine_without_cameras_says_so_and_nothing_else(self, capfd: pytest.CaptureFixture[str]) -> None:
        if list(Path("/dev").glob("video*")) or sys.platform != "linux":
            pytest.skip("this machine may have a camera")
        with pytest.raises(InputError, match="camera:0: no such camera answers; none does"):
            open_source("camera:0")
        assert capfd.readouterr() == ("", "")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server for the files of a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestAddresses:
    @pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv"])
    def test_a_file_at_a_web_server_ends_and_loses_nothing(self, tmp_path: Path, web: str, name: str) -> None:
        film(tmp_path / name, range(100))
        with open_source(f"{web}/{name}?token=secret") as source:
            assert isinstance(source, Video)
            assert numbers(list(source)) == list(range(100))
        assert (source.live, source.name) == (False, f"{web}/{name}")

    def test_a_still_picture_at_a_web_server_is_one_frame(self, tmp_path: Path, web: str) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg(9))
        with open_source(f"{web}/a.jpg") as source:
            assert [(number_of(f.image), f.time_s) for f in source] == [(9, 0.0)]

    @pytest.mark.parametrize("ends", [True, False])
    def test_a_playlist_is_a_file_if_it_ends(self, tmp_path: Path, web: str, ends: bool) -> None:
        parts = range(3)
        for part in parts:
            first = 50 * part
            mux(tmp_path / f"{part}.ts", encoded(range(first, first + 50)), [(first + i) / 25 for i in range(50)])
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", *(f"#EXTINF:2.0,\n{part}.ts" for part in parts)]
        (tmp_path / "a.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST"] if ends else lines) + "\n")
        with open_source(f"{web}/a.m3u8") as source:
            assert source.live is not ends
            if ends:
                assert numbers(list(source)) == list(range(150))
            else:
                assert next(iter(source)).image.shape == (48, 64, 3)
        with pytest.raises(InputError, match="no video"):  # a stranger's file leads nowhere
            open_source(str(tmp_path / "a.m3u8"))

    def test_jpeg_after_jpeg_is_live_and_opened_only_once(self) -> None:
        calls: list[int] = []

        def sends(call: int) -> Iterator[bytes | float]:
            calls.append(call)
            for i in range(10**6):
                yield jpeg(i % 256)
                yield 0.01

        with mjpeg_camera(sends) as address, open_source(address) as source:
            assert isinstance(source, Live)
            seen = [number_of(frame.image) for frame, _ in zip(source, range(5), strict=False)]
        assert seen == sorted(seen)
        assert calls == [0]

    @pytest.mark.parametrize("name", ["nothing.mp4", "text.mp4"])
    def test_what_is_not_there_or_no_video(self, tmp_path: Path, web: str, name: str) -> None:
        (tmp_path / "text.mp4").write_text("a text\n" * 99)
        with pytest.raises(InputError, match="cannot be opened as a video") as caught:
            open_source(f"{web}/{name}?token=s3cret")
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(
        "written",
        ["gopher://me:s3cret@host/x", "rtsp:/me:s3cret@host/x", "rtsp:me:s3cret@host", "file:///tmp/s3cret",
         "concat:a|s3cret", "data:video/mp4;s3cret", "ssh://s3cret", "rstp://me:s3cret@host/x"],
    )  # fmt: skip
    def test_what_is_no_address_is_not_repeated(self, written: str) -> None:
        with pytest.raises(InputError, match=r"nothing that can be opened; give .*rtsp://") as caught:
            open_source(written)
        assert "s3cret" not in str(caught.value)


class TestMistakes:
    @pytest.mark.parametrize(
        ("written", "told"),
        [
            ("nothing.mp4", "nothing.mp4: there is nothing of that name; give a picture"),
            ("0", r"0: there is nothing of that name; a camera is written camera:0"),
            ("", "there is nothing of that name"),
            ("me:s3cret@10.0.0.5/x", r"^\*\*\*@10.0.0.5/x: nothing that can be opened"),
            ("nothing/*.jpg", "no picture matches"),
            ("img%04d.png", "no picture matches"),
            ("folder", "no picture in this folder"),
            ("films", "no picture in this folder.*there are videos in it, give one: a.mp4"),
            ("words.txt", "words.txt: cannot be opened as a video: it is no video"),
            ("empty.mp4", "empty.mp4: the file is empty"),
            ("damaged.jpg", "damaged.jpg: is not a picture that can be read"),
        ],
    )
    def test_one_clear_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, told: str) -> None:
        monkeypatch.chdir(tmp_path)
        Path("folder").mkdir()
        Path("films").mkdir()
        Path("films/a.mp4").touch()
        Path("words.txt").write_text("words\n" * 99)
        Path("empty.mp4").touch()
        Path("damaged.jpg").write_text("no picture")
        with pytest.raises(InputError, match=told) as caught:
            open_source(written)
        assert "s3cret" not in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_rate_that_is_none(self, rate: float, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="rate"):
            open_source(str(save(tmp_path / "a.png", 1)), rate)

    @given(st.text(st.characters(exclude_characters="\0"), min_size=7, max_size=16), st.sampled_from(sorted(ADDRESSES)))
    @settings(max_examples=60, deadline=None)
    def test_no_password_is_in_an_error(self, password: str, scheme: str) -> None:
        if scheme in ("udp", "srt"):
            return  # nobody refuses there: it would be waited for
        with pytest.raises(InputError) as caught:
            open_source(f"{scheme}://me:{password}@127.0.0.1:9/x")
        assert password not in str(caught.value)
        assert password[:6] not in str(caught.value).replace("127.0.0.1:9/x", "")
        assert caught.value.__cause__ is None, "nor in what a traceback would show"


def test_pictures_end_their_threads_when_the_reader_stops(tmp_path: Path) -> None:
    for number in range(50):
        save(tmp_path / f"{number}.png", number)
    before = threading.active_count()
    with Pictures("a", sorted(tmp_path.iterdir())) as source:
        for _ in source:
            break
    assert threading.active_count() == before
