"""What the browser says beside what the service says, of the same pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskwise.statistics.metrics import wilson
from maskwise.values import overlaps

Json = dict[str, Any]


@dataclass
class Compared:
    """Counts over pictures; faces are paired in their order where both found as many.

    pictures, same_count: pictures, and those with as many faces on both sides.
    faces, same_verdict: faces of those, and how many have the same verdict.
    least_iou: of paired boxes.
    differences: of probabilities, the largest of each paired face.
    identical: pictures of which the same JSON came, to the last digit.
    """

    pictures: int = 0
    same_count: int = 0
    faces: int = 0
    same_verdict: int = 0
    identical: int = 0
    least_iou: float = 1.0
    differences: list[float] = field(default_factory=list)
    other: list[tuple[Json, Json]] = field(default_factory=list)

    def __str__(self) -> str:
        low, high = wilson(self.same_verdict, self.faces)
        sizes = np.array(self.differences or [0.0])
        return (
            f"{self.pictures} pictures, {self.identical} identical, {self.same_count} with as many faces; "
            f"{self.faces} faces, same verdict {self.same_verdict / max(self.faces, 1):.4f} "
            f"({low:.4f} to {high:.4f}), least IoU {self.least_iou:.4f}, difference of p: "
            f"median {np.median(sizes):.4f}, 99 % within {np.quantile(sizes, 0.99):.4f}, at most {sizes.max():.4f}"
        )


def compare(pairs: Iterable[tuple[Json, Json]]) -> Compared:
    """Compare results: what the browser said, and what the service said."""
    all_ = Compared()
    for inside, outside in pairs:
        all_.pictures += 1
        all_.identical += inside["faces"] == outside["faces"]
        if len(inside["faces"]) == len(outside["faces"]):
            all_.same_count += 1
            _compare_faces(all_, inside["faces"], outside["faces"])
        else:
            all_.other.append((inside, outside))
    return all_


def _compare_faces(all_: Compared, inside: list[Json], outside: list[Json]) -> None:
    """Faces in nearly the same place are the same face, whatever their rank."""
    if not inside:
        return
    ious = overlaps(_boxes(inside), _boxes(outside))
    for i, face in enumerate(inside):
        j = int(ious[i].argmax())
        all_.faces += 1
        all_.least_iou = min(all_.least_iou, float(ious[i, j]))
        all_.same_verdict += face["verdict"] == outside[j]["verdict"]
        p, q = face["probabilities"], outside[j]["probabilities"]
        all_.differences.append(max(abs(p[label] - q[label]) for label in q))


def _boxes(faces: list[Json]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([face["box_xyxy"] for face in faces], np.float32)
