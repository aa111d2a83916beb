"""Films whose frames say which they are, and servers that send them as cameras do, for the tests of sources."""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import numpy as np
from PIL import Image as Pillow

from maskwise.values import Image

BITS = 8
WHITE, RED = (255, 255, 255), (150, 0, 0)
TICKS = 90_000


def picture(number: int, width: int = 64, height: int = 48) -> Image:
    """A number from 0 to 255 as bars, white for 1, red for 0, the highest on the left; any codec leaves it readable."""
    bars = np.array([WHITE if number >> bit & 1 else RED for bit in reversed(range(BITS))], np.uint8)
    row = bars[np.arange(width) * BITS // width]
    return np.ascontiguousarray(np.broadcast_to(row, (height, width, 3)))


def number_of(image: Image) -> int:
    """The number in a picture."""
    centres = ((np.arange(BITS) + 0.5) * image.shape[1] / BITS).astype(int)
    return int("".join(str(int(v > 127)) for v in image[image.shape[0] // 2, centres].mean(axis=1)), 2)


def encoded(
    numbers: Iterable[int], width: int = 64, height: int = 48, gop: int = 10, codec: str = "libx264"
) -> list[tuple[bytes, bool]]:
    """Each frame as a packet (H.264 with its start codes), and whether it is a key frame."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.gop_size = width, height, gop
    context.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    context.time_base = Fraction(1, 25)
    if codec == "libx264":
        context.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0:repeat-headers=1"}
    packets = []
    for i, number in enumerate(numbers):
        frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
        frame.pts = i
        packets += context.encode(frame)
    packets += context.encode(None)
    return [(bytes(p), p.is_keyframe) for p in packets]


def mux(
    target: Path | io.BytesIO,
    packets: Sequence[tuple[bytes, bool]],
    times: Sequence[float] | None = None,
    container: str = "mpegts",
    codec: str = "libx264",
) -> None:
    """Packets into a container, each at its time; 25 a second if None."""
    with av.open(str(target) if isinstance(target, Path) else target, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for i, (data, is_key) in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, TICKS), is_key
            packet.pts = packet.dts = round((times[i] if times else i / 25) * TICKS)
            out.mux(packet)


def film(
    path: Path,
    numbers: Iterable[int],
    times: Sequence[float] | None = None,
    rate: Fraction | int = 25,
    size: tuple[int, int] = (64, 48),
    rotation: int = 0,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    make: Callable[[int], Image] | None = None,
) -> Path:
    """A film by an ordinary encoder, with B-frames; the kind of file is its suffix'."""
    with av.open(str(path), "w", options=container or {}) as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        stream.gop_size = 10
        stream.options = {"preset": "veryfast", "crf": "18", **(options or {})}
        if times:
            stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        if rotation:
            stream.set_display_rotation(rotation)
        for i, number in enumerate(numbers):
            image = make(number) if make else picture(number, *size)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[i] * TICKS), Fraction(1, TICKS)
            else:
                frame.pts, frame.time_base = i, 1 / Fraction(rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def jpeg(number: int, width: int = 64, height: int = 48) -> bytes:
    """A picture as a JPEG file."""
    file = io.BytesIO()
    Pillow.fromarray(picture(number, width, height)).save(file, "JPEG", quality=90)
    return file.getvalue()


def sound(path: Path) -> Path:
    """A file without pictures."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16_000)
        for i in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, i * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


Sends = Callable[[int], Iterator[bytes | float]]
"""What a server does with its n-th caller, from 0: bytes to send, seconds to wait; the end hangs up."""


@contextmanager
def mjpeg_camera(sends: Sends, password: str = "", port: int = 0) -> Iterator[str]:
    """A camera that sends JPEG after JPEG over HTTP; the address, with user and password where it asks for one."""
    calls = iter(range(10**9))
    wanted = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if password and self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):  # hung up
                for item in sends(next(calls)):
                    if over.is_set():
                        return
                    if isinstance(item, float):
                        over.wait(item)
                        continue
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(item)}\r\n\r\n"
                    self.wfile.write(head.encode() + item + b"\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    login = f"admin:{quote(password, safe='')}@" if password else ""
    try:
        yield f"http://{login}127.0.0.1:{server.server_port}/video"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@contextmanager
def listening(serve: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """A TCP server whose callers are served one after the other; its port. Hanging up is left to `serve`."""
    over = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)

    def accept() -> None:
        calls = 0
        while not over.is_set():
            try:
                caller, _ = server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            caller.settimeout(5.0)
            with caller, contextlib.suppress(OSError):  # hung up
                serve(caller, calls)
            calls += 1

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        thread.join(timeout=6.0)
        server.close()


def paced(packets: Iterable[tuple[bytes, bool]], rate: Callable[[int], float]) -> Iterator[tuple[bytes, bool]]:
    """Packets no sooner than their turn comes; the rate, frames a second, may change with their number."""
    due = time.monotonic()
    for i, packet in enumerate(packets):
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / rate(i)
        yield packet


class RtspCamera:
    """As much of an RTSP server as a player needs (RFC 2326, RTP in the same connection, H.264 of RFC 6184).

    Each NAL unit is one RTP packet, so frames must stay below 64 kB; there is one caller at a time.

    packets: gives the n-th caller's packets, each when it is to be sent; their end hangs up.
    password: of the user `admin`; nobody is asked if empty.
    """

    def __init__(self, packets: Callable[[int], Iterable[tuple[bytes, bool]]], password: str = "") -> None:
        self._packets, self._playing = packets, 0
        self._wanted = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode() if password else ""

    def __call__(self, caller: socket.socket, _: int) -> None:
        lines = caller.makefile("rb")
        while request := _request(lines):
            method, headers = request
            answer, body = {"CSeq": headers.get("cseq", "0")}, b""
            if self._wanted and method != "OPTIONS" and headers.get("authorization") != self._wanted:
                caller.sendall(_response("401 Unauthorized", answer | {"WWW-Authenticate": 'Basic realm="camera"'}))
                continue
            if method == "DESCRIBE":
                body = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                body += b"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
                answer |= {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
            elif method == "SETUP":
                answer |= {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1", "Session": "1"}
            elif method == "PLAY":
                answer |= {"Session": "1"}
            caller.sendall(_response("200 OK", answer, body))
            if method == "PLAY":
                self._playing += 1
                self._play(caller, self._packets(self._playing - 1))
                return

    @staticmethod
    def _play(caller: socket.socket, packets: Iterable[tuple[bytes, bool]]) -> None:
        number, began = 0, time.monotonic()
        for data, _ in packets:
            units = [unit.strip(b"\0") for unit in data.split(b"\0\0\1") if unit.strip(b"\0")]
            stamp = round((time.monotonic() - began) * TICKS) & 0xFFFFFFFF
            for i, unit in enumerate(units):
                marker = 0x80 if i == len(units) - 1 else 0
                head = bytes([0x80, 96 | marker]) + number.to_bytes(2, "big") + stamp.to_bytes(4, "big") + b"\0\0\0\7"
                number = (number + 1) & 0xFFFF
                caller.sendall(b"$\0" + (len(head) + len(unit)).to_bytes(2, "big") + head + unit)


def _request(lines: Any) -> tuple[str, dict[str, str]] | None:
    first = lines.readline().decode()
    if not first.strip():
        return None
    headers = {}
    while line := lines.readline().decode().strip():
        key, _, value = line.partition(":")
        headers[key.lower()] = value.strip()
    return first.split()[0], headers


def _response(status: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"RTSP/1.0 {status}", *(f"{key}: {value}" for key, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def patiently(condition: Callable[[], bool], longest_s: float = 20.0) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + longest_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
