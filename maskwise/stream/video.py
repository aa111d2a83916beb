"""Videos, from files, pipes and the network, frame by frame with their own times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from maskwise.errors import DependencyError, InputError
from maskwise.stream.names import public_name, scrubbed
from maskwise.values import Frame, Image

try:
    import av
    from av.container import InputContainer
except ImportError as error:  # pragma: no cover - the tests have it
    raise DependencyError("videos need the extra `video`: pip install 'maskwise[video]'") from error

OPEN_S, READ_S = 10.0, 10.0
"""How long the network may be silent before a stream counts as lost: while opening, and between two packets."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video says about itself before it is read.

    width, height: pixels, as shown; the stream may change them later.
    rate: frames a second on average; None where it does not say.
    duration_s: None where it does not say, as live streams do not.
    """

    width: int
    height: int
    rate: float | None
    duration_s: float | None


class Video:
    """One pass over a video; use it as a context.

    Every frame that can be decoded comes once, in the order shown, turned upright as the file asks. Its time is the
    container's own, in seconds after its first packet: variable rates, gaps and 29.97 come out as they are. Packets that
    cannot be decoded are counted and passed over.

    facts: what it says about itself.
    broken: packets passed over so far.
    """

    def __init__(
        self, source: str | BinaryIO, name: str | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        """Open it; nothing is decoded yet.

        Args:
            source: a file's name, an address, or an open binary file, a pipe for example.
            name: what frames and messages call it; the source's public name if None.
            options: of the demuxer, as FFmpeg has them.

        Raises:
            InputError: it cannot be opened, or has no pictures in it.
        """
        self._name = name or (public_name(source) if isinstance(source, str) else "-")
        self.broken = 0
        try:
            self._container: InputContainer = av.open(
                source, options=dict(options or {}), timeout=(OPEN_S, READ_S), metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise InputError(f"{self._name}: cannot be opened as a video: {_why(error)}") from error
        if not self._container.streams.video:
            self._container.close()
            raise InputError(f"{self._name}: there are no pictures in it, only {_kinds(self._container)}")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.facts = self._facts()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or connection."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        """Decode to the end.

        Raises:
            InputError: the connection is lost, or not one frame could be decoded.
        """
        index, last = 0, -1.0
        for decoded in self._decoded():
            time_s = self._time_of(decoded, last)
            last = time_s
            yield Frame(_upright(decoded), self._name, index, time_s)
            index += 1
        if not index:
            raise InputError(f"{self._name}: not one frame could be decoded ({self.broken} broken packets)")

    def _decoded(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.InvalidDataError:
                self.broken += 1
                continue
            except (av.FFmpegError, OSError) as error:
                raise InputError(f"{self._name}: the stream broke off: {_why(error)}") from error
            try:
                yield from packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError:
                self.broken += 1

    def _time_of(self, decoded: av.VideoFrame, last_s: float) -> float:
        """Seconds after the first packet; where a frame has no time, one usual step after the last."""
        if decoded.pts is None or decoded.time_base is None:
            return last_s + self._step_s if last_s >= 0 else 0.0
        return float((decoded.pts - (self._stream.start_time or 0)) * decoded.time_base)

    @property
    def _step_s(self) -> float:
        return 1 / (self.facts.rate or 25.0)

    def _facts(self) -> VideoFacts:
        stream, turned = self._stream, False
        rate = stream.average_rate or stream.guessed_rate
        width, height = stream.width, stream.height
        duration = self._container.duration
        return VideoFacts(
            height if turned else width,
            width if turned else height,
            float(rate) if rate else None,
            duration / av.time_base if duration and duration > 0 else None,
        )


def _upright(decoded: av.VideoFrame) -> Image:
    """(height, width, 3) uint8 RGB, turned as the container says; FFmpeg counts degrees counter-clockwise."""
    image: Image = decoded.to_ndarray(format="rgb24")
    quarters = round(decoded.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def _why(error: Exception) -> str:
    """The reason in words, without the addresses that FFmpeg puts in front of it."""
    return scrubbed(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _kinds(container: Any) -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
