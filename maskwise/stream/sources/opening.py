"""From what the user wrote to a source of frames: pictures, a file, a camera, an address, or what is piped in.

| what is written                | what it is                                     | ends | loses      |
|--------------------------------|------------------------------------------------|------|------------|
| a picture                      | one frame                                      | yes  | nothing    |
| a folder, a glob, img_%04d.png | an image sequence, in natural order            | yes  | nothing    |
| a video                        | a file                                         | yes  | nothing    |
| `-`                            | a video, or JPEG after JPEG, on standard input | yes  | nothing    |
| an address of known length     | a file that lies elsewhere                     | yes  | nothing    |
| any other address              | a live stream                                  | no   | old frames |
| `camera:0`                     | a camera at this machine                       | no   | old frames |

docs/guide/sources.md says what is promised for each.
"""

from __future__ import annotations

import glob
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError, ImageError, InputError
from maskwise.inference import sources
from maskwise.model.images import SUFFIXES as PICTURES
from maskwise.model.images import read_image
from maskwise.stream.sources.live import Health, Live, OnHealth, Patience
from maskwise.stream.sources.names import HIDDEN, public_name
from maskwise.values import Frame, Image

if TYPE_CHECKING:  # av comes with an extra; whoever only asks `is_video` needs none
    from maskwise.stream.sources.video import Video, VideoFacts

USUAL_RATE = 25.0
"""Frames a second of an image sequence, if nobody says."""

VIDEOS = frozenset(
    f".{name}"
    for names in (
        "mp4 m4v mov mkv webm avi mpg mpeg m2v ts mts m2ts vob wmv asf flv f4v 3gp 3g2 ogv mxf",
        "mjpeg mjpg h264 264 h265 265 hevc ivf y4m nut divx dav",
    )
    for name in names.split()
)
"""How the names of video files usually end, lower case."""

_RTSP = {"rtsp_transport": "tcp", "probesize": "50000"}
ADDRESSES = {
    "rtsp": _RTSP,
    "rtsps": _RTSP,
    "rtmp": {},
    "rtmps": {},
    "srt": {},
    "http": {},
    "https": {},
    "udp": {"overrun_nonfatal": "1", "fifo_size": "50000"},
    "tcp": {},
}
"""The kinds of address there are, and how FFmpeg is to read them: RTSP over TCP, which loses no packets, and with a
short look, for it tells what it sends. Never with `nobuffer`, which throws that look away, its key frame included."""

CAMERAS_TRIED = 6
"""Numbers tried where a camera does not answer, to say which do."""

FORMS = f"a picture, a folder, a glob, a video, camera:0, {'://, '.join(ADDRESSES)}://, or - for standard input"


class Source(Protocol):
    """Frames from anywhere: a context that is iterated once, by one thread.

    Times are in seconds, begin at about 0 and never fall; frames are (height, width, 3) uint8 RGB, each of its own
    size.
    """

    @property
    def name(self) -> str:
        """What it is called in frames, messages and files; holds no user, password or query."""
        ...

    @property
    def live(self) -> bool:
        """Whether it never ends by itself; then old frames are dropped, else none is."""
        ...

    @property
    def facts(self) -> VideoFacts | None:
        """What it says about itself, if anything."""
        ...

    @property
    def dropped(self) -> int:
        """Frames left out so far in order not to be late; 0 unless live."""
        ...

    @property
    def broken(self) -> int:
        """Packets or pictures that could not be decoded so far."""
        ...

    def close(self) -> None:
        """Let go of whatever is held, and iterating ends, in another thread too; may be called by any."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Device(Protocol):
    """A camera as OpenCV has it."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it answered."""
        ...

    def read(self) -> tuple[bool, Any]:
        """The next frame, (height, width, 3) uint8 BGR, if there is one."""
        ...

    def get(self, prop: int, /) -> float:
        """A property; 0 where it does not know."""
        ...

    def release(self) -> None:
        """Let go of it."""
        ...


OpenDevice = Callable[[int], Device]

Resolve = Callable[[str], tuple[str, dict[str, str]]]
"""From an address to what is opened in its place, and what else FFmpeg is told (its options); asked before each
opening. It may refuse with an InputError."""


def open_source(
    text: str,
    rate: float | None = None,
    on_health: OnHealth = lambda _: None,
    patience: Patience | None = None,
    stdin: BinaryIO | None = None,
    open_device: OpenDevice | None = None,
    resolve: Resolve | None = None,
) -> Source:
    """Open whatever the user named; see the table above.

    Args:
        text: what the user wrote.
        rate: frames a second of what has no times of its own: image sequences and bare streams of frames; if None, what
            a bare stream says, or USUAL_RATE.
        on_health: hears what becomes of a live source, in another thread.
        patience: how long is waited for a live source.
        stdin: what `-` stands for; standard input if None.
        open_device: opens a camera; OpenCV's if None.
        resolve: says what of an address is opened, where not just any may be.

    Raises:
        InputError: it is not there, cannot be read, or is none of these.
        ConfigError: a rate that is none.
    """
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"rate: {rate} must be above 0 frames a second")
    if text == "-":
        return _piped(stdin, rate)
    camera = re.fullmatch(r"(?i)camera:(.*)|/dev/video(\d+)", text)
    if camera:
        return _camera(camera[1] if camera[2] is None else camera[2], on_health, patience, open_device or _opencv)
    path = Path(text)
    there = _kind(path) if text else 0
    scheme = re.match(r"(?i)([a-z][a-z0-9+.-]+):", text)
    if scheme and (not there or "://" in text):
        return _address(text, scheme[1].lower(), rate, on_health, patience, resolve or _as_it_is)
    if stat.S_ISDIR(there):
        return Pictures(text, _ordered(_expanded(text, _hint(path))), rate)
    if not there:
        return _pattern(text, rate)
    if path.suffix.lower() in PICTURES:
        return Pictures(text, [path], rate)
    return _video(text, rate)


def is_video(path: Path) -> bool:
    """Whether a file is to be read as a video: by its suffix, or where that is unknown, by how its content begins.

    A GIF is a picture, as are animated WebP and AVIF files.
    """
    suffix = path.suffix.lower()
    if suffix in VIDEOS or suffix in PICTURES:
        return suffix in VIDEOS
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # looking into a pipe would take from it
            return False
        with path.open("rb") as file:
            return _begins_as_video(file.read(3 * 204))
    except (OSError, ValueError):
        return False


def _begins_as_video(head: bytes) -> bool:
    """Whether bytes begin as one of the containers do, by the marks in their specifications."""
    if head[4:8] == b"ftyp":  # ISO/IEC 14496-12; the same box begins HEIF pictures and M4A sound
        return head[8:12] not in (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"M4A ", b"M4B ")
    if head[4:8] in (b"moov", b"mdat", b"wide"):  # QuickTime without that box
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if any(head[at : at + step * 3 : step] == b"GGG" for at, step in ((0, 188), (4, 192), (0, 204))):  # MPEG-TS
        return True
    marks = (
        b"\x1a\x45\xdf\xa3",  # Matroska, WebM
        b"\x00\x00\x01\xba",  # MPEG program stream
        b"\x00\x00\x01\xb3",  # MPEG-1, MPEG-2
        b"\x00\x00\x00\x01\x67",  # H.264 with its parameters first
        b"\x00\x00\x00\x01\x40\x01",  # H.265
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
        b"FLV\x01",
        b"DKIF",  # IVF
        b"YUV4MPEG2 ",
        b"DHAV",  # recorders of Dahua
    )
    return head.startswith(marks)


class Pictures:
    """Picture files as the frames of a film: the n-th at n / rate, each at its own size; use it as a context.

    A picture that cannot be read leaves a gap and is counted as broken; one that stands alone is an error.

    name: what the user wrote.
    live: always false.
    facts: of the first picture; its size, the rate, and how long all of them last.
    dropped: always 0.
    broken: pictures that could not be read so far.
    """

    live = False
    dropped = 0

    def __init__(self, name: str, paths: Sequence[Path], rate: float | None = None) -> None:
        """Look at the first picture.

        Args:
            name: what frames and messages call it.
            paths: the pictures in their order, at least one.
            rate: frames a second; USUAL_RATE if None.

        Raises:
            InputError: there is only one, and it cannot be read.
        """
        self.name, self.broken = name, 0
        self._paths, self._rate, self._closed = paths, rate or USUAL_RATE, False
        self.facts = self._facts()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Iterating ends with the frame in hand."""
        self._closed = True

    def __iter__(self) -> Iterator[Frame]:
        """Decode, a few pictures ahead.

        Raises:
            InputError: not one of them could be read.
        """
        reason, index = "", 0
        # Only a generator can be closed, and it is one, whatever its type promises.
        with closing(cast("_Closing", sources.frames(self._paths))) as decoded:
            for number, frame in enumerate(decoded):
                if self._closed:
                    return
                if isinstance(frame, ImageError):
                    self.broken, reason = self.broken + 1, str(frame)
                    continue
                yield Frame(frame.image, self.name, index, number / self._rate)
                index += 1
        if not index:
            raise InputError(f"{self.name}: not one of {len(self._paths)} pictures can be read; the last: {reason}")

    def _facts(self) -> VideoFacts | None:
        from maskwise.stream.sources.video import VideoFacts

        try:
            height, width = read_image(self._paths[0]).shape[:2]
        except ImageError as error:
            if len(self._paths) == 1:
                raise InputError(str(error)) from error
            return None
        return VideoFacts(width, height, self._rate, len(self._paths) / self._rate)


class _Closing(Protocol):
    def close(self) -> None: ...

    def __iter__(self) -> Iterator[Frame | ImageError]: ...


class Camera:
    """A camera at this machine, open; a live stream for `Live`."""

    dropped = 0
    broken = 0

    def __init__(self, number: int, name: str, open_device: OpenDevice) -> None:
        """Open it.

        Raises:
            InputError: it does not answer; says which do.
        """
        self._name, self._device = name, open_device(number)
        if not self._device.isOpened():
            self._device.release()
            raise InputError(f"{name}: no such camera answers; {_answering(number, open_device)}")
        width, height, rate = (
            self._device.get(prop) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self.facts = self._facts(int(width), int(height), rate)

    @staticmethod
    def _facts(width: int, height: int, rate: float) -> VideoFacts | None:
        from maskwise.stream.sources.video import VideoFacts

        return VideoFacts(width, height, rate if rate > 0 else None, None) if width > 0 and height > 0 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._device.release()

    def pictures(self) -> Iterator[Callable[[], Image]]:
        """Each frame as it comes, as a function that makes the picture.

        Raises:
            InputError: the camera gives no more.
        """
        while True:
            good, bgr = self._device.read()
            if not good or bgr is None:
                raise InputError(f"{self._name}: the camera gives no more pictures; look at its cable")
            yield partial(_rgb, bgr)


def _rgb(bgr: NDArray[np.integer[Any]]) -> Image:
    """(height, width, 3) uint8 RGB of what OpenCV gives: BGR, or grey of an infrared camera."""
    code = cv2.COLOR_GRAY2RGB if bgr.ndim == 2 or bgr.shape[2] == 1 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(bgr, code), np.uint8)


def _opencv(number: int) -> Device:
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)  # a camera that is not there is our error, not OpenCV's warning
    try:
        device = cv2.VideoCapture(number)
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    finally:
        cv2.utils.logging.setLogLevel(before)
    return device


def _answering(absent: int, open_device: OpenDevice) -> str:
    """Which other cameras answer, in words."""
    found = []
    for number in range(CAMERAS_TRIED):
        if number != absent:
            device = open_device(number)
            if device.isOpened():
                found.append(f"camera:{number}")
            device.release()
    return f"these do: {', '.join(found)}" if found else "none does; plug one in, or close the program that uses it"


def _camera(text: str, on_health: OnHealth, patience: Patience | None, open_device: OpenDevice) -> Source:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise InputError(f"camera:{text}: not the number of a camera; write camera:0, camera:1 ...")
    name = f"camera:{int(text)}"
    return Live(name, lambda: Camera(int(text), name, open_device), on_health, patience)


def _as_it_is(address: str) -> tuple[str, dict[str, str]]:
    return address, {}


def _address(
    text: str, scheme: str, rate: float | None, on_health: OnHealth, patience: Patience | None, resolve: Resolve
) -> Source:
    if scheme not in ADDRESSES or not text[len(scheme) :].startswith("://"):
        shown = f"{HIDDEN}@{text.rpartition('@')[2]}" if "@" in text and "://" not in text else f"{scheme}:{HIDDEN}"
        raise InputError(f"{shown}: nothing that can be opened; give {FORMS}")
    from maskwise.stream.sources.video import Video

    name = public_name(text)

    def video() -> Video:
        target, options = resolve(text)
        return Video(target, name, ADDRESSES[scheme] | options, rate)

    first = video()
    if scheme in ("http", "https") and first.ends:
        return first
    opened = iter((first,))  # some cameras let one in at a time: what was opened to look at is used
    return Live(name, lambda: next(opened, None) or video(), on_health, patience)


def _piped(stdin: BinaryIO | None, rate: float | None) -> Source:
    given = stdin if stdin is not None else getattr(sys.stdin, "buffer", None)
    if given is None or given.closed:
        raise InputError("-: there is no standard input; pipe a video in, or name a file")
    if given.isatty():
        raise InputError("-: standard input is a terminal; pipe a video in: ffmpeg ... -f mpegts - | maskwise ... -")
    if not given.seekable() and _index_last(given.peek(64) if isinstance(given, io.BufferedReader) else b""):
        raise InputError(
            "-: an MP4 with its index at the end cannot be read from a pipe; name the file, or pipe MPEG-TS or MKV"
        )
    from maskwise.stream.sources.video import Video

    return Video(cast("BinaryIO", _AsItComes(given)), "-", rate=rate)


def _index_last(head: bytes) -> bool:
    """Whether an MP4's pictures come before what says where they are (ISO/IEC 14496-12: boxes of size and kind)."""
    at, before_index = 0, (b"ftyp", b"free", b"skip", b"wide")
    while head[at + 4 : at + 8] in before_index and (size := int.from_bytes(head[at : at + 4], "big")) >= 8:
        at += size
    return at > 0 and head[at + 4 : at + 8] == b"mdat"


class _AsItComes:
    """An open file whose `read` gives what is there, instead of waiting until there is as much as was asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = getattr(file, "read1", file.read)
        self.seekable, self.seek, self.tell = file.seekable, file.seek, file.tell


def _video(text: str, rate: float | None) -> Video:
    from maskwise.stream.sources.video import Video

    path = Path(text)
    if not os.access(path, os.R_OK):
        raise InputError(f"{text}: no permission to read it; change the file's rights")
    if stat.S_ISREG(path.stat().st_mode) and path.stat().st_size == 0:
        raise InputError(f"{text}: the file is empty; copy or download it again")
    return Video(text, text, rate=rate)


def _pattern(text: str, rate: float | None) -> Pictures:
    """A glob, or a pattern with a number as FFmpeg has them; neither names a file."""
    pattern = re.sub(r"%0?\d*d", "[0-9]*", text)
    if not glob.has_magic(pattern):
        # What is meant as an address may have been written as none: what looks like a password is not repeated.
        shown = re.sub(r"^.*:.*@", f"{HIDDEN}@", text, flags=re.DOTALL) or "an empty name"
        hint = f"; a camera is written camera:{text}" if text.isdecimal() else ""
        raise InputError(f"{shown}: there is nothing of that name{hint}; give {FORMS}")
    return Pictures(text, _ordered(_expanded(pattern)), rate)


def _expanded(text: str, hint: str = "") -> list[Path]:
    try:
        return sources.expand([text])
    except InputError as error:
        raise InputError(f"{error}{hint}") from None


def _hint(folder: Path) -> str:
    """What to do about a folder without pictures, if it has videos."""
    try:
        videos = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in VIDEOS)
    except OSError:
        return ""
    return f"; there are videos in it, give one: {videos[0]}" if videos else ""


def _ordered(paths: Sequence[Path]) -> list[Path]:
    """In natural order: numbers by their value, so that img2 comes before img10."""
    return sorted(paths, key=lambda path: [_natural(part) for part in path.parts])


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Digits and text by turns; each is comparable to each, text by itself where numbers are equal (1 before 01)."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _kind(path: Path) -> int:
    """Kind of file; 0 where there is none."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


__all__ = ["Device", "Health", "OpenDevice", "Pictures", "Resolve", "Source", "is_video", "open_source"]
