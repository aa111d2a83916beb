from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskwise.errors import InputError
from maskwise.serving.cameras.doors import Doors
from maskwise.stream.sources.live import Health, Patience
from tests.stream.footage import encoded, film, jpeg, listening, mjpeg_camera, mux, number_of, patiently

QUIET = Patience(first_wait_s=0.05, longest_wait_s=0.1, frozen_s=5.0, first_picture_s=5.0)


class Answers:
    """A server that answers each path with a status, headers and bytes; and remembers who asked for what."""

    def __init__(self, answers: dict[str, tuple[int, dict[str, str], bytes]]) -> None:
        self.answers, self.asked, self.hosts = answers, list[str](), list[str]()
        self.port = 0

    @contextmanager
    def serving(self) -> Iterator[Answers]:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told.asked.append(self.path)
                told.hosts.append(self.headers.get("Host", ""))
                status, headers, body = told.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def transport(folder: Path) -> bytes:
    """A short film in MPEG-TS."""
    path = folder / "plain.ts"
    mux(path, encoded(range(10)))
    return path.read_bytes()


def test_a_named_host_is_asked_by_its_name_at_the_address_that_was_checked(tmp_path: Path) -> None:
    server = Answers({"/film.ts": (200, {"Content-Type": "video/mp2t"}, transport(tmp_path))})
    with server.serving():
        doors = Doors(sources=["cam.example"], lookup=lambda _: ["127.0.0.1"])
        with doors.open(f"http://cam.example:{server.port}/film.ts", lambda _: None) as source:
            assert [number_of(frame.image) for frame in source] == list(range(10))
        assert set(server.hosts) == {f"cam.example:{server.port}"}


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    inner = Answers({"/secret.ts": (200, {}, transport(tmp_path))})
    with inner.serving():
        outer = Answers({"/a.ts": (302, {"Location": f"http://127.0.0.1:{inner.port}/secret.ts"}, b"")})
        with outer.serving(), pytest.raises(InputError):
            Doors(sources=["127.0.0.1"]).open(f"http://127.0.0.1:{outer.port}/a.ts", lambda _: None)
        assert outer.asked
        assert not inner.asked


@pytest.mark.parametrize("kind", ["application/vnd.apple.mpegurl", "video/mp2t"])
@pytest.mark.parametrize("name", ["/list.m3u8", "/list.ts"])
def test_playlists_of_a_stranger_lead_nowhere(tmp_path: Path, name: str, kind: str) -> None:
    inner = Answers({"/part.ts": (200, {}, transport(tmp_path))})
    with inner.serving():
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXTINF:0.4,"]
        for target in (f"http://127.0.0.1:{inner.port}/part.ts", f"file://{tmp_path}/plain.ts"):
            playlist = "\n".join([*lines, target, "#EXT-X-ENDLIST", ""]).encode()
            outer = Answers({name: (200, {"Content-Type": kind}, playlist)})
            with outer.serving(), pytest.raises(InputError):
                Doors(sources=["127.0.0.1"]).open(f"http://127.0.0.1:{outer.port}{name}", lambda _: None)
        assert not inner.asked


@pytest.mark.parametrize("suffix", ["m3u8", "ts", "mp4", "ffconcat", "sdp", "txt", "mpd"])
def test_files_below_media_lead_to_no_other(tmp_path: Path, suffix: str) -> None:
    media, outside = tmp_path / "media", tmp_path / "outside"
    media.mkdir()
    outside.mkdir()
    secret = outside / "secret.ts"
    secret.write_bytes(transport(outside))
    (media / "near.ts").write_bytes(secret.read_bytes())
    contents = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{secret}\n#EXT-X-ENDLIST\n",
        "hls-near": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\nnear.ts\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "dash": f"<?xml version='1.0'?><MPD type='static'><Period><AdaptationSet><Representation id='1' "
        f"bandwidth='1'><BaseURL>file://{secret}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    }
    doors = Doors(media=[media])
    for kind, content in contents.items():
        (media / f"{kind}.{suffix}").write_text(content)
        with pytest.raises(InputError) as caught, doors.open(f"{kind}.{suffix}", lambda _: None) as source:
            list(source)
        assert str(tmp_path) not in str(caught.value)


def test_an_address_is_asked_for_anew_each_time_it_is_opened() -> None:
    """The camera's name means another machine after it broke off: it is not opened there."""
    answers = ["127.0.0.1"]
    heard: list[Health] = []
    calls = threading.Event()

    def sends(call: int) -> Iterator[bytes | float]:
        if call:
            calls.set()
        for i in range(10):
            yield jpeg(i)
            yield 0.02

    with mjpeg_camera(sends) as address:
        doors = Doors(sources=["127.0.0.1"], lookup=lambda _: answers)
        with doors.open(address.replace("127.0.0.1", "cam.example"), heard.append, QUIET) as source:
            assert number_of(next(iter(source)).image) in range(10)
            assert patiently(calls.is_set)  # broke off, and was opened again
            answers[:] = ["127.0.0.2"]
            assert patiently(lambda: any("this machine" in health.because for health in heard))


def test_rtsp_is_opened_at_the_checked_address_only() -> None:
    asked: list[bytes] = []

    def serve(caller: socket.socket, _: int) -> None:
        asked.append(caller.recv(2000))

    with listening(serve) as port:
        with pytest.raises(InputError, match="this machine"):
            Doors().open(f"rtsp://127.0.0.1:{port}/x", lambda _: None)
        assert not asked
        with pytest.raises(InputError):
            Doors(sources=["127.0.0.0/8"], lookup=lambda _: ["127.0.0.1"]).open(
                f"rtsp://cam.example:{port}/x", lambda _: None
            )
        assert asked[0].startswith(f"OPTIONS rtsp://127.0.0.1:{port}/x".encode())


def test_a_file_goes_by_its_name_below_the_folder(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", range(5))
    named = Doors(media=[tmp_path]).check(str(tmp_path / "a.mp4"))
    assert (named.kind, named.shown) == ("file", "a.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"nothing of a film")
    with pytest.raises(InputError) as caught:
        Doors(media=[tmp_path]).open("broken.mp4", lambda _: None)
    assert str(caught.value).startswith("broken.mp4: ")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("camera:0", "camera", "camera:0"),
        ("CAMERA:01", "camera", "camera:1"),
        ("rtsp://admin:hunter22@cam/x?token=1", "address", "rtsp://cam/x"),
        ("/somewhere/else/a.mp4", "file", "a.mp4"),
    ],
)
def test_what_others_may_know(text: str, kind: str, shown: str) -> None:
    named = Doors().name(text)
    assert (named.kind, named.shown) == (kind, shown)


@pytest.mark.parametrize("text", ["-", "camera:x", "camera:99999", "/dev/video0", "", "*.mp4", "camera:0 "])
def test_what_is_none_of_these_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        Doors(media=[tmp_path]).check(text)


def test_a_host_that_is_away_is_no_reason_to_refuse() -> None:
    assert Doors(lookup=lambda _: []).check("rtsp://cam.example/x").kind == "address"
    with pytest.raises(InputError):
        Doors(lookup=lambda _: []).check("http://cam.example/x")
