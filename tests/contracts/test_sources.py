"""What every source of frames promises, whatever it reads."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.stream.sources.opening import Source, open_source
from tests.stream.footage import (
    BITS,
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

SECRET = "s3cret"  # noqa: S105 - of the servers below
FRAMES = 60
Opening = Callable[[Path], AbstractContextManager[Source]]


def numbered() -> Iterable[int]:
    """Of a live source: no two neighbours are equal."""
    return itertools.cycle(range(200))


@contextmanager
def one_picture(folder: Path) -> Iterator[Source]:
    Pillow.fromarray(picture(0)).save(folder / "a.png")
    yield open_source(str(folder / "a.png"))


@contextmanager
def sequence(folder: Path, written: str = "") -> Iterator[Source]:
    for number in range(FRAMES):
        Pillow.fromarray(picture(number)).save(folder / f"{number}.png")
    yield open_source(f"{folder}{written}", rate=10)


@contextmanager
def file(folder: Path, suffix: str) -> Iterator[Source]:
    yield open_source(str(film(folder / f"a{suffix}", range(FRAMES))))


@contextmanager
def standard_input(_: Path) -> Iterator[Source]:
    data = io.BytesIO()
    mux(data, encoded(range(FRAMES)))
    yield open_source("-", stdin=io.BytesIO(data.getvalue()))


@contextmanager
def web(folder: Path) -> Iterator[Source]:
    film(folder / "a.mp4", range(FRAMES))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield open_source(f"http://me:{SECRET}@127.0.0.1:{server.server_port}/a.mp4?token={SECRET}")
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def jpegs(_: Path) -> Iterator[Source]:
    def sends(_: int) -> Iterator[bytes | float]:
        for number in numbered():
            yield jpeg(number)
            yield 0.01

    with mjpeg_camera(sends, SECRET) as address:
        yield open_source(address)


@contextmanager
def rtsp(_: Path) -> Iterator[Source]:
    packets = itertools.cycle(encoded(range(200)))
    with listening(RtspCamera(lambda _: paced(packets, lambda _: 50), SECRET)) as port:
        yield open_source(f"rtsp://admin:{SECRET}@127.0.0.1:{port}/live?key={SECRET}")


@contextmanager
def transport_stream(_: Path) -> Iterator[Source]:
    data = io.BytesIO()
    mux(data, encoded(range(200)))

    def serve(caller: Any, _: int) -> None:
        for at in itertools.count(step=1316):
            caller.sendall(data.getvalue()[at % len(data.getvalue()) :][:1316])
            time.sleep(0.02)

    with listening(serve) as port:
        yield open_source(f"tcp://127.0.0.1:{port}?key={SECRET}")


class Webcam:
    """A camera as OpenCV gives it, in BGR."""

    def __init__(self) -> None:
        self._numbers = iter(numbered())

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.01)
        return True, np.ascontiguousarray(picture(next(self._numbers))[..., ::-1])

    def get(self, _: int, /) -> float:
        return 0.0

    def release(self) -> None:
        pass


@contextmanager
def camera(_: Path) -> Iterator[Source]:
    yield open_source("camera:0", open_device=lambda _: Webcam())


FINITE: dict[str, Opening] = {
    "picture": one_picture,
    "folder": sequence,
    "glob": partial(sequence, written="/*.png"),
    "mp4": partial(file, suffix=".mp4"),
    "mkv": partial(file, suffix=".mkv"),
    "avi": partial(file, suffix=".avi"),
    "standard input": standard_input,
    "file at a web server": web,
}
LIVE: dict[str, Opening] = {"mjpeg": jpegs, "rtsp": rtsp, "tcp": transport_stream, "camera": camera}


@pytest.mark.parametrize("opening", [*FINITE.values(), *LIVE.values()], ids=[*FINITE, *LIVE])
class TestSourceContract:
    def test_frames_are_rgb_with_times_that_never_fall(self, opening: Opening, tmp_path: Path) -> None:
        with opening(tmp_path) as source, source:
            frames = list(itertools.islice(source, 40))
        assert len(frames) in (1, 40)
        for frame in frames:
            assert frame.image.dtype == np.uint8
            assert frame.image.shape == (48, 64, 3)
            assert frame.image.flags.c_contiguous
            # The bar of the highest bit is red below 128, and white above; in BGR it would be blue.
            red, green, blue = frame.image[24, 64 // BITS // 2].astype(int)
            assert red > 100
            assert green == pytest.approx(blue, abs=40)
            assert (green < 60) == (number_of(frame.image) < 128)
        times = [frame.time_s for frame in frames]
        assert None not in times
        assert times == sorted(times)  # type: ignore[type-var]
        assert 0 <= (times[0] or 0.0) < 5
        indices = [frame.index for frame in frames]
        assert indices == sorted(set(indices))
        if not source.live:
            assert indices == list(range(len(frames)))

    def test_names_have_no_secret(self, opening: Opening, tmp_path: Path) -> None:
        with opening(tmp_path) as source, source:
            frame = next(iter(source))
        assert frame.source == source.name
        assert source.name
        assert SECRET not in source.name

    def test_it_ends_or_is_live(self, opening: Opening, tmp_path: Path) -> None:
        with opening(tmp_path) as source, source:
            if source.live:
                assert len(list(itertools.islice(source, 150))) == 150, "as many as are wanted"
            else:
                assert len(list(source)) in (1, FRAMES)
                assert (source.dropped, source.broken) == (0, 0)

    def test_a_reader_may_stop_early_and_everything_is_let_go(self, opening: Opening, tmp_path: Path) -> None:
        before = threading.active_count()
        with opening(tmp_path) as source:
            with source:
                for _ in source:
                    break
            assert list(source) == [], "closed"
            source.close()
        assert patiently(lambda: threading.active_count() <= before)

    def test_another_thread_may_close_it(self, opening: Opening, tmp_path: Path) -> None:
        with opening(tmp_path) as source, source:
            begun, ended = threading.Event(), threading.Event()

            def read() -> None:
                for _ in source:
                    begun.set()
                ended.set()

            threading.Thread(target=read, daemon=True).start()
            assert begun.wait(20)
            source.close()
            assert ended.wait(20)

    def test_what_it_says_about_itself_is_so(self, opening: Opening, tmp_path: Path) -> None:
        with opening(tmp_path) as source, source:
            facts = source.facts
        if facts is None:
            assert source.live
            return
        assert (facts.width, facts.height) == (64, 48)
        assert (facts.duration_s is None) or not source.live
