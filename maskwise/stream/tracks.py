"""Which face of this frame is which of the last: SORT with a Kalman filter, by the library Similari.

Bewley, Ge, Ott, Ramos & Upcroft (2016), Simple online and realtime tracking, ICIP, arXiv 1602.00763. A number is all that
a person gets: it is counted up, means nothing beyond its stream, and dies with the track. No face is compared with any
other, so somebody who leaves and comes back is somebody new.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError, DependencyError
from maskwise.values import Faces

try:
    from similari import BoundingBox, PositionalMetricType, Sort, SpatioTemporalConstraints
except ImportError as error:  # pragma: no cover - the tests have it
    raise DependencyError("following people needs the extra `video`: pip install 'maskwise[video]'") from error

FASTEST = 1.5
"""Faces move less than so many of their own sides between two looks a tenth of a second apart."""


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
class _Seen:
    box_xyxy: NDArray[np.float32]
    time_s: float
    speed_xyxy: NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))
    looks: int = 1


class Tracker:
    """Gives each face the number of its person; looks come in order of time, as often as they like."""

    def __init__(self, following: Following | None = None, look_every_s: float = 0.1) -> None:
        """look_every_s: the usual time between two looks; decides how far a face may have moved."""
        self._following = following or Following()
        patience = max(1, round(self._following.lost_after_s / look_every_s))
        reach = SpatioTemporalConstraints()
        reach.add_constraints([(1, FASTEST), (patience, 2 * FASTEST)])
        self._sort = Sort(
            shards=1,
            bbox_history=1,
            max_idle_epochs=patience,
            method=PositionalMetricType.iou(threshold=self._following.overlap),
            spatio_temporal_constraints=reach,
        )
        self._numbers: dict[int, int] = {}
        self._seen: dict[int, _Seen] = {}
        self._count = 0

    def look(self, faces: Faces, time_s: float) -> tuple[int, ...]:
        """The number of each face, in their order, from 1."""
        given = [
            (BoundingBox(float(x0), float(y0), float(x1 - x0), float(y1 - y0)).as_xyaah(), i)
            for i, (x0, y0, x1, y1) in enumerate(faces.boxes_xyxy)
        ]
        tracks = {track.custom_object_id: track.id for track in self._sort.predict(given)}
        numbers = tuple(self._number(tracks[i]) for i in range(len(faces)))
        for number, box in zip(numbers, faces.boxes_xyxy, strict=True):
            self._remember(number, box, time_s)
        return numbers

    def gone(self, time_s: float) -> list[int]:
        """Numbers of those who have not been found for too long; each is told once."""
        late = [n for n, seen in self._seen.items() if time_s - seen.time_s > self._following.lost_after_s]
        for number in late:
            del self._seen[number]
        return late

    def where(self, time_s: float) -> dict[int, NDArray[np.float32]]:
        """(4,) box of each person who is not gone, moved on since the last look as it moved before."""
        return {
            number: seen.box_xyxy
            + seen.speed_xyxy * np.float32(min(time_s - seen.time_s, self._following.lost_after_s))
            for number, seen in self._seen.items()
        }

    def _number(self, track: int) -> int:
        number = self._numbers.get(track)
        if number is None or (number not in self._seen and number != self._count):
            self._count += 1
            number = self._numbers[track] = self._count
        return number

    def _remember(self, number: int, box: NDArray[np.float32], time_s: float) -> None:
        before = self._seen.get(number)
        now = _Seen(box, time_s)
        if before is not None and time_s > before.time_s:
            speed = (box - before.box_xyxy) / np.float32(time_s - before.time_s)
            centre = np.tile((speed[:2] + speed[2:]) / 2, 2)  # sizes jitter more than they change
            now.speed_xyxy = np.asarray(0.5 * before.speed_xyxy + 0.5 * centre, np.float32)
            now.looks = before.looks + 1
        self._seen[number] = now
