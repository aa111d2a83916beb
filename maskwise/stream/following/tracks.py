"""Which face of this frame is which of the last: by where each was going, and by nothing else.

Bewley, Ge, Ott, Ramos & Upcroft (2016), Simple online and realtime tracking, ICIP, arXiv 1602.00763: a Kalman filter of
constant velocity says where each face ought to be by now, and what overlaps most with that is the same face. Time is in
seconds and length in sides of the face, so it does not matter how often a stream is looked at, or how near a face is.
What is left over is compared once more with widened boxes, which forgives a sudden turn (Yang, Odashima, Masui & Jiang
(2023), Hard to track objects with irregular motions and similar appearances? Make it easier by buffering the matching
space, WACV, arXiv 2211.14317).

A number is all that a person gets: it is counted up, means nothing beyond its stream, and dies with the track. No face
is compared with any other, so somebody who leaves and comes back is somebody new.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.stream.following.overlap import paired
from maskwise.values import Faces, overlaps

JITTER = 0.05
"""Standard deviation of a found box around the face, in sides of the face."""

UNREST = 1.0
"""How much velocity changes: variance it gains in a second, in (sides/s)^2."""

RUSH = 2.0
"""Standard deviation of the velocity of a face that was found but once, sides/s."""

WIDENED = 0.5
"""So many sides are added all around before what is left over is compared again."""


@dataclass(frozen=True, slots=True)
class Following:
    """How faces are followed.

    lost_after_s: a face that is not found for so long is gone.
    overlap: of a predicted and a found box, from which on they can be the same face.
    """

    lost_after_s: float = 1.5
    overlap: float = 0.2

    def __post_init__(self) -> None:
        if not self.lost_after_s > 0:
            raise ConfigError(f"following.lost_after_s: {self.lost_after_s} must be above 0")
        if not 0 < self.overlap < 1:
            raise ConfigError(f"following.overlap: {self.overlap} must lie between 0 and 1")


@dataclass(slots=True)
class _Track:
    """One face: where it was found last, and the filter's estimate of its middle and velocity.

    box_xyxy: (4,) as found, pixels.
    middle_xy, velocity_xy: (2,) pixels, pixels/s.
    doubt: (2, 2) covariance of both along either axis, in sides of the face.
    """

    box_xyxy: NDArray[np.float32]
    time_s: float
    middle_xy: NDArray[np.float32]
    velocity_xy: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    doubt: NDArray[np.float64] = field(default_factory=lambda: np.diag([JITTER**2, RUSH**2]))

    def expected(self, time_s: float) -> NDArray[np.float32]:
        """(4,) where the filter expects the box."""
        half = (self.box_xyxy[2:] - self.box_xyxy[:2]) / 2
        middle = self.middle_xy + self.velocity_xy * np.float32(time_s - self.time_s)
        return np.concatenate([middle - half, middle + half])

    def shown(self, time_s: float) -> NDArray[np.float32]:
        """(4,) the box as found, moved on since then."""
        return self.box_xyxy + np.tile(self.velocity_xy, 2) * np.float32(time_s - self.time_s)

    def found(self, box_xyxy: NDArray[np.float32], time_s: float) -> None:
        """A step of the Kalman filter."""
        passed = max(time_s - self.time_s, 0.0)
        step = np.array([[1, passed], [0, 1]])
        unrest = UNREST * np.array([[passed**3 / 3, passed**2 / 2], [passed**2 / 2, passed]])
        doubt = step @ self.doubt @ step.T + unrest
        gain = doubt[:, 0] / (doubt[0, 0] + JITTER**2)
        self.doubt = doubt - np.outer(gain, doubt[0])
        middle = self.middle_xy + self.velocity_xy * np.float32(passed)
        missed = _middle(box_xyxy) - middle
        self.middle_xy = middle + missed * np.float32(gain[0])
        self.velocity_xy = self.velocity_xy + missed * np.float32(gain[1])
        self.box_xyxy, self.time_s = box_xyxy, time_s


class Tracker:
    """Gives each face the number of its person; looks come in order of time, as often as they like."""

    def __init__(self, following: Following | None = None) -> None:
        self._following = following or Following()
        self._tracks: dict[int, _Track] = {}
        self._count = 0

    def look(self, faces: Faces, time_s: float) -> tuple[int, ...]:
        """The number of each face, in their order, from 1."""
        known = self._matched(faces.boxes_xyxy, time_s)
        numbers: list[int] = []
        for i, box in enumerate(faces.boxes_xyxy):
            if i in known:
                self._tracks[known[i]].found(box, time_s)
                numbers.append(known[i])
            else:
                self._count += 1
                self._tracks[self._count] = _Track(box, time_s, _middle(box))
                numbers.append(self._count)
        return tuple(numbers)

    def gone(self, time_s: float) -> list[int]:
        """Numbers of those who have not been found for too long; each is told once and forgotten."""
        late = [number for number, track in self._tracks.items() if self._late(track, time_s)]
        for number in late:
            del self._tracks[number]
        return late

    def where(self, time_s: float) -> dict[int, NDArray[np.float32]]:
        """(4,) box of each person who is not gone, moved on since the last look as it moved before."""
        return {number: track.shown(time_s) for number, track in self._tracks.items() if not self._late(track, time_s)}

    def _matched(self, boxes_xyxy: NDArray[np.float32], time_s: float) -> dict[int, int]:
        """Positions of faces that are known, and their numbers."""
        numbers = [number for number, track in self._tracks.items() if not self._late(track, time_s)]
        numbers.sort(key=lambda number: -self._tracks[number].time_s)  # of two that fit alike, who was seen last
        expected = np.array([self._tracks[number].expected(time_s) for number in numbers], np.float32).reshape(-1, 4)
        close = overlaps(expected, boxes_xyxy)
        pairs = paired(close, self._following.overlap)
        wide = overlaps(_widened(expected), _widened(boxes_xyxy))
        for row, column in pairs:
            wide[row], wide[:, column] = -1, -1
        pairs += paired(wide, self._following.overlap)
        return {column: numbers[row] for row, column in pairs}

    def _late(self, track: _Track, time_s: float) -> bool:
        return time_s - track.time_s > self._following.lost_after_s


def _middle(box_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((box_xyxy[:2] + box_xyxy[2:]) / 2, np.float32)


def _widened(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    more = WIDENED * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    return np.asarray(boxes_xyxy + np.concatenate([-more, more], axis=1), np.float32)
