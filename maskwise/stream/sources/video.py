"""Videos, from files, pipes and the network, frame by frame with their own times."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from maskwise.errors import DependencyError, InputError
from maskwise.stream.sources.names import public_name, scrubbed
from maskwise.values import Frame, Image

try:
    import av
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Disposition
except ImportError as error:  # pragma: no cover - the tests have it
    raise DependencyError("videos need the extra `video`: pip install 'maskwise[video]'") from error

OPEN_S, READ_S = 10.0, 10.0
"""How long the network may be silent before a stream counts as lost: while opening, and between two packets."""

MOST_RATE = 1_000
"""Frames a second above which a rate is the tick of a clock, told before anything is known."""

USUAL_RATE = 25.0
"""Frames a second of what has no times and does not say."""

NO_TIMESTAMPS = 0x80
"""FFmpeg's flag of formats whose times are only counted (AVFMT_NOTIMESTAMPS)."""

FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,vc1,mjpeg,mpjpeg,jpeg_pipe,png_pipe,"
    "bmp_pipe,webp_pipe,gif,asf,flv,live_flv,f4v,ogg,mxf,nut,dv,dhav,yuv4mpegpipe,rm,aac,mp3,wav,flac"
)
"""What is read, by FFmpeg's names. Without this it takes a text for a film of letters, and follows lists of further
files and addresses that a stranger's file may hold. Sound is among it only to be told that it is sound."""

NETWORK_OPTIONS = {
    "format_whitelist": f"{FORMATS},rtsp,rtp,sdp,hls,dash",
    "analyzeduration": "3000000",  # microseconds
    "probesize": "1000000",  # bytes
}
"""Of the demuxer of an address. Where no key frame comes it would look for one until OPEN_S is over; a reader that is
broken off so does not always find its way back."""

OPTIONS = {"correct_ts_overflow": "0"}
"""Of every demuxer. FFmpeg takes a clock that is set back for one that ran over and adds 26 hours; `Timeline` knows."""

JITTER_S = 1.0
"""A time that falls by less is held; by more it is a clock that was set back."""

BROKEN_IN_A_ROW = 200
"""Reads that may fail one after the other before nothing more is expected of a file."""

BACKLOG_S = 2.0
"""A live stream of which every packet has been waiting for so long is late."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video says about itself before it is read.

    width, height: pixels as stored, 0 where a live stream has not said yet; frames that the file asks to be turned come
        out turned, and a stream may change its size midway.
    rate: frames a second on average; None where it does not say.
    duration_s: None where it does not say, as live streams do not.
    """

    width: int
    height: int
    rate: float | None
    duration_s: float | None


class Video:
    """One pass over a video, by one thread; use it as a context.

    Every frame that can be decoded comes once, in the order shown, at its own size, turned upright as the file asks.
    Its time is the container's own, in seconds after its first packet: variable rates, gaps and 29.97 come out as they
    are. Times never fall: see `Timeline`. Interlaced frames come whole, both fields in one picture.

    name: what frames and messages call it.
    live: always false: nothing is left out.
    facts: what it says about itself.
    dropped: frames left out on purpose, see `pictures`.
    broken: packets and frames passed over so far: damaged, or before the first key frame and of no use without it.
    """

    live = False

    def __init__(
        self,
        source: str | BinaryIO,
        name: str | None = None,
        options: Mapping[str, str] | None = None,
        rate: float | None = None,
    ) -> None:
        """Open it; nothing is decoded yet.

        Args:
            source: a file's name, an address, or an open binary file, a pipe for example.
            name: what frames and messages call it; the source's public name if None.
            options: of the demuxer, as FFmpeg has them.
            rate: frames a second, for formats without times; what the video says, or USUAL_RATE, if None.

        Raises:
            InputError: it cannot be opened, or has no pictures in it.
        """
        self._address = source if isinstance(source, str) else ""
        self._network = "://" in self._address
        self.name = name or (public_name(self._address) or "-")
        self.broken = self.dropped = 0
        self._closed, self._reading = False, threading.Lock()
        # Without the prefix a file with a colon in its name would be taken for an address. Files may be as slow as
        # they like: a disk that wakes up is no lost stream.
        target = source if self._network or not self._address else f"file:{source}"
        timeout = (OPEN_S, READ_S) if self._network else None
        own = NETWORK_OPTIONS if self._network else {"format_whitelist": FORMATS}
        chosen = OPTIONS | own | dict(options or {})
        try:
            self._container: InputContainer = av.open(
                target, "r", options=chosen, timeout=timeout, metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise InputError(f"{self.name}: cannot be opened as a video: {self._why(error)}") from None
        streams = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            kinds = ", ".join(sorted({s.type for s in self._container.streams} - {"video"})) or "nothing"
            self._container.close()
            raise InputError(f"{self.name}: there is no film in it, only {kinds}; name a video")
        self._stream = streams[0]
        # Not by whole frames: those would come later, and a damaged one would take those beside it along.
        self._stream.thread_type = "SLICE"
        said = self._stream.average_rate or self._stream.guessed_rate
        said = said if said and said <= MOST_RATE else None
        untimed = bool(self._container.format.flags & NO_TIMESTAMPS)
        usual = rate if rate and (untimed or not said) else float(said or USUAL_RATE)
        self._untimed, self._step_s = untimed, 1 / usual
        self._counted = self._container.format.name == "avi"  # numbers its packets, as they are stored, not as shown
        duration = self._container.duration
        self.facts = VideoFacts(
            self._stream.width,
            self._stream.height,
            usual if said or rate else None,
            duration / av.time_base if duration and duration > 0 else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or connection, and iterating ends; by any thread."""
        self._closed = True
        if self._reading.acquire(blocking=False):  # else whoever reads closes it, as soon as the read in hand is over
            try:
                self._container.close()
            finally:
                self._reading.release()

    @property
    def ends(self) -> bool:
        """Whether it is known to come to an end: by its length in time, or in bytes unless those are a playlist's."""
        playlist = self._container.format.name.startswith(("hls", "dash"))
        known = self.facts.duration_s is not None or (self._container.size > 0 and not playlist)
        return known or not self._network

    def __iter__(self) -> Iterator[Frame]:
        """Decode to the end.

        Raises:
            InputError: the connection is lost, or not one frame could be decoded.
        """
        timeline, index = Timeline(self._step_s), 0
        origin = None if self._counted else self._stream.start_time
        for decoded in self._until_closed(self._decoded(self._packets())):
            stamp, stamp_s = decoded.dts if self._counted else decoded.pts, None
            if stamp is not None and decoded.time_base is not None and not self._untimed:
                origin = stamp if origin is None else origin
                stamp_s = float((stamp - origin) * decoded.time_base)
            yield Frame(self._upright(decoded), self.name, index, timeline.time_of(stamp_s))
            index += 1
        if not index and not self._closed:
            raise InputError(f"{self.name}: not one frame could be decoded; {self.broken} packets were broken")

    def pictures(self) -> Iterator[Callable[[], Image]]:
        """Decode a live stream: each frame as a function that makes the picture, for only some are looked at.

        Whoever decodes more slowly than packets come would see an ever older past; then packets are passed over to
        the next key frame, and counted as dropped.

        Raises:
            InputError: the connection is lost.
        """
        for decoded in self._until_closed(self._decoded(self._without_backlog(self._packets()))):
            yield partial(self._upright, decoded)

    def _until_closed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames; what FFmpeg reads with is never taken away from under a read."""
        while True:
            with self._reading:
                frame = None if self._closed else next(frames, None)
            if self._closed:
                self.close()
            if frame is None or self._closed:
                return
            yield frame

    def _packets(self) -> Iterator[Packet[av.VideoStream]]:
        failed = 0
        while failed <= BROKEN_IN_A_ROW:
            try:
                for packet in self._container.demux(self._stream):
                    failed = 0
                    yield packet
            except av.InvalidDataError:
                self.broken += 1
                failed += 1
                continue
            except (av.FFmpegError, OSError, ValueError) as error:
                raise InputError(f"{self.name}: the stream broke off: {self._why(error)}") from None
            return

    def _without_backlog(self, packets: Iterator[Packet[av.VideoStream]]) -> Iterator[Packet[av.VideoStream]]:
        backlog = Backlog(time.monotonic())
        while True:
            asked_s = time.monotonic()
            packet = next(packets, None)
            if packet is None:
                return
            if backlog.passes(asked_s, time.monotonic(), packet.is_keyframe):
                yield packet
            else:
                self.dropped += 1

    def _decoded(self, packets: Iterator[Packet[av.VideoStream]]) -> Iterator[av.VideoFrame]:
        begun = False
        for packet in packets:
            try:
                frames = packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError:
                self.broken += 1
                continue
            begun = begun or packet.is_keyframe or bool(frames)
            self.broken += not begun and packet.size > 0
            for frame in frames:
                if frame.is_corrupt:  # by the decoder's own word grey or smeared
                    self.broken += 1
                else:
                    yield frame

    def _upright(self, decoded: av.VideoFrame) -> Image:
        """(height, width, 3) uint8 RGB, turned as the container says; FFmpeg counts degrees counter-clockwise."""
        try:
            image = np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8)
        except (av.FFmpegError, ValueError) as error:
            raise InputError(f"{self.name}: its pixels cannot be turned into RGB: {self._why(error)}") from None
        quarters = round(decoded.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image

    def _why(self, error: Exception) -> str:
        """The reason in words, without the addresses that FFmpeg puts in front of it."""
        if isinstance(error, av.error.ExitError):
            return f"nothing came for {READ_S:.0f} s"
        if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
            return "user or password are refused; write them as SCHEME://USER:PASSWORD@HOST, with %40 for @"
        if isinstance(error, av.error.ProtocolNotFoundError):
            return "this build of FFmpeg does not speak that protocol"
        if isinstance(error, av.InvalidDataError | av.ArgumentError):  # the latter where a format is none of FORMATS
            if self._network:
                return "what comes is no video, or the address is not well written"
            return "it is no video, or cut off before its index"
        if self._network and getattr(error, "errno", None) == errno.EIO:
            return "no answer: it hung up, or there is no such host"
        return scrubbed(getattr(error, "strerror", None) or str(error) or type(error).__name__, self._address)


class Timeline:
    """Times that never fall, out of time stamps that may be missing, jitter or be set back.

    | time stamp                        | time                                                             |
    |-----------------------------------|------------------------------------------------------------------|
    | rises, by however much            | as it is: a gap in a recording is a gap                          |
    | missing                           | one usual step after the frame before                            |
    | falls by less than JITTER_S       | that of the frame before                                         |
    | falls by more                     | one usual step after the frame before; later ones go on from it |
    | before the start                  | 0                                                                |
    """

    def __init__(self, step_s: float) -> None:
        """Begin.

        Args:
            step_s: the usual time between two frames.
        """
        self._step_s, self._shift_s = step_s, 0.0
        self._last_s: float | None = None

    def time_of(self, stamp_s: float | None) -> float:
        """Seconds, of the next frame."""
        if self._last_s is None:
            self._last_s = max(0.0, stamp_s or 0.0)
        elif stamp_s is None:
            self._last_s += self._step_s
        else:
            time_s = stamp_s + self._shift_s
            if time_s <= self._last_s - JITTER_S:
                self._shift_s += self._last_s + self._step_s - time_s
                self._last_s += self._step_s
            else:
                self._last_s = max(self._last_s, time_s)
        return self._last_s


class Backlog:
    """Tells which packets of a live stream to pass over so that it is not late.

    A reader that keeps up has to wait for packets. Where none had to be waited for in BACKLOG_S, they have piled up:
    they are passed over until one has to be waited for, and on to a key frame, without which nothing can be decoded.
    No network holds more than MOST_HELD; where more come, the stream sends as fast as it is read: that is no backlog.
    """

    MOST_HELD = 1_000
    WAITED_S = 0.003

    def __init__(self, now_s: float) -> None:
        """Begin, at a time of the same clock as all later ones."""
        self._waited_at_s, self._skipped = now_s, 0
        self._late = self._to_key = self._endless = False

    def passes(self, asked_s: float, came_s: float, is_key: bool) -> bool:
        """Whether a packet is to be decoded.

        Args:
            asked_s: when it was asked for.
            came_s: when it was there.
            is_key: whether decoding can begin with it.
        """
        waited = came_s - asked_s >= self.WAITED_S
        if waited:
            self._waited_at_s, self._late, self._endless = came_s, False, False
        elif self._late and self._skipped >= self.MOST_HELD:
            self._late, self._endless = False, True
        elif not self._late and not self._endless and came_s - self._waited_at_s > BACKLOG_S:
            self._late = self._to_key = True
            self._skipped = 0
        self._skipped += self._late
        if not self._late and is_key:
            self._to_key = False
        return not self._to_key
