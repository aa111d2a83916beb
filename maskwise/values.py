"""The values that travel through maskwise; each is checked once, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ShapeError

MASKED, INCORRECT, UNMASKED = "masked", "incorrect", "unmasked"
CLASSES = (MASKED, INCORRECT, UNMASKED)
"""Every class there is, in the order in which a model's outputs stand."""

NOT_A_FACE = "not_a_face"
"""The label of what a detector takes for a face: no class, a model is to be unsure of it."""

LABELS = (*CLASSES, NOT_A_FACE)
"""Whatever a picture may be labelled as."""

UNCERTAIN = "uncertain"
"""The verdict that is not a class: an answer, never an error, never counted as a class."""

Image = NDArray[np.uint8]
"""RGB picture: (height, width, 3) uint8."""


def check_image(image: Image) -> None:
    """Refuse anything but an RGB uint8 picture.

    Raises:
        ShapeError: the array is not (height, width, 3) uint8 with at least one pixel.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ShapeError(
            f"image: expected (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}; "
            "convert grey or BGRA pictures first"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture, or one frame of a video.

    image: (height, width, 3) uint8 RGB.
    source: where it came from, as the user named it.
    index: position in its source, from 0.
    time_s: seconds since the source began; None for a still picture.
    """

    image: Image
    source: str = ""
    index: int = 0
    time_s: float | None = None

    def __post_init__(self) -> None:
        check_image(self.image)


def overlaps(a_xyxy: NDArray[np.float32], b_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, m) intersection over union of n boxes with m others, 0 to 1; either may be 0."""
    a, b = a_xyxy.reshape(-1, 1, 4), b_xyxy.reshape(1, -1, 4)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=2) + (b[..., 2:] - b[..., :2]).prod(axis=2)
    return np.asarray(both / np.maximum(areas - both, 1e-6), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces found in one frame, best first.

    boxes_xyxy: (n, 4) float32, pixels of that frame, clipped to it.
    scores: (n,) float32 in [0, 1].
    landmarks_xy: (n, 5, 2) float32, pixels: the person's right eye, left eye, nose tip, right and left mouth corner;
        nan where the detector gives none.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks_xy: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.scores)
        for name, shape in (("boxes_xyxy", (n, 4)), ("scores", (n,)), ("landmarks_xy", (n, 5, 2))):
            array: NDArray[np.float32] = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise ShapeError(f"{name}: expected {shape} float32, got {array.shape} {array.dtype}")

    def __len__(self) -> int:
        return len(self.scores)

    def iou(self, box_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) how much of their union each face's box and another box share, 0 to 1.

        Args:
            box_xyxy: (4,) pixels.
        """
        return overlaps(self.boxes_xyxy, box_xyxy)[:, 0]

    @classmethod
    def none(cls) -> Faces:
        """No faces: an ordinary value."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said about one face.

    label: one of the model's classes, or `uncertain`.
    confidence: probability of that class, in [0, 1]; of the likeliest one where the label is `uncertain`.
    uncertain_because: the reason in words where the label is `uncertain`, else None.
    """

    label: str
    confidence: float
    uncertain_because: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """The person whose face it is, in a stream.

    number: counted up from 1; means nothing beyond its stream, and dies with the track.
    verdict: what is said of the person from all looks so far.
    """

    number: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """Everything that was said about one frame.

    labels: the model's classes, in the order of the columns of probabilities.
    probabilities: (n, classes) float32, rows sum to 1; n faces.
    verdicts: n of them, in the order of the faces.
    error: why the picture could not be looked at, else None; then there are no faces and the size is 0 x 0.
    tracks: of a stream, the person of each face; empty for a still picture.
    """

    source: str
    index: int
    time_s: float | None
    width: int
    height: int
    faces: Faces
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    verdicts: tuple[Verdict, ...] = field(default=())
    error: str | None = None
    tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.faces), len(self.labels))
        if self.probabilities.shape != expected:
            raise ShapeError(f"probabilities: expected {expected}, got {self.probabilities.shape}")
        if len(self.verdicts) != len(self.faces):
            raise ShapeError(f"verdicts: expected {len(self.faces)}, got {len(self.verdicts)}")
        if self.tracks and len(self.tracks) != len(self.faces):
            raise ShapeError(f"tracks: expected {len(self.faces)} or none, got {len(self.tracks)}")

    @classmethod
    def failed(cls, source: str, index: int, error: str, labels: tuple[str, ...]) -> FrameResult:
        """A picture that could not be looked at: one row with its reason."""
        return cls(source, index, None, 0, 0, Faces.none(), labels, np.zeros((0, len(labels)), np.float32), (), error)

    def to_json(self) -> dict[str, Any]:
        """The one JSON of maskwise for a looked-at picture or frame; docs/reference/json.md describes it."""
        return {
            "source": self.source,
            "index": self.index,
            "time_s": self.time_s,
            "width": self.width,
            "height": self.height,
            "error": self.error,
            "faces": [
                {
                    "box_xyxy": [round(float(v), 1) for v in box],
                    "score": round(float(score), 4),
                    "track": track.number if track else None,
                    "track_verdict": track.verdict.label if track else None,
                    "track_confidence": round(track.verdict.confidence, 4) if track else None,
                    "verdict": verdict.label,
                    "confidence": round(verdict.confidence, 4),
                    "uncertain_because": verdict.uncertain_because,
                    "probabilities": {name: round(float(p), 4) for name, p in zip(self.labels, row, strict=True)},
                }
                for box, score, verdict, row, track in zip(
                    self.faces.boxes_xyxy,
                    self.faces.scores,
                    self.verdicts,
                    self.probabilities,
                    self.tracks or (None,) * len(self.faces),
                    strict=True,
                )
            ],
        }
