"""Places in a picture: zones that people are in, lines that they cross. Positions are shares of width and height."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon.

    name: as events and counts call it.
    corners: at least three, (x, y) from 0 to 1 of the picture's width and height.
    """

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        _checked("zone", self.name, self.corners, least=3)
        if abs(cv2.contourArea(np.array(self.corners, np.float32))) < 1e-6:
            raise ConfigError(f"zone {self.name}: its corners enclose nothing: {self.corners}")

    def holds(self, point: Point) -> bool:
        """Whether a point lies in it, its border included."""
        return cv2.pointPolygonTest(np.array(self.corners, np.float32), point, measureDist=False) >= 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line with two sides.

    name: as events and counts call it.
    corners: its ends, (x, y) from 0 to 1. Seen from the first to the second, `left` is on the left hand in the picture.
    """

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        _checked("line", self.name, self.corners, least=2)
        if len(self.corners) != 2 or self.corners[0] == self.corners[1]:
            raise ConfigError(f"line {self.name}: two different ends, got {self.corners}")

    def distance(self, point: Point) -> float:
        """How far a point lies from the line, drawn on without end: above 0 on its right, below 0 on its left."""
        (ax, ay), (bx, by) = self.corners
        return _turn(self.corners[0], self.corners[1], point) / math.hypot(bx - ax, by - ay)

    def crossed(self, before: Point, after: Point) -> Literal["to_left", "to_right"] | None:
        """Which way a step from one point to another crosses it; None where it does not, or begins upon it."""
        (ax, ay), (bx, by) = self.corners
        side = _turn(self.corners[0], self.corners[1], before), _turn(self.corners[0], self.corners[1], after)
        ends = _turn(before, after, (ax, ay)), _turn(before, after, (bx, by))
        if side[0] == 0 or side[0] * side[1] > 0 or ends[0] * ends[1] > 0:
            return None
        return "to_right" if side[0] < 0 else "to_left"


def _turn(a: Point, b: Point, point: Point) -> float:
    """Above 0 where the point lies on the right hand of the way from a to b (y runs down), below 0 on the left."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def _checked(kind: str, name: str, corners: tuple[Point, ...], least: int) -> None:
    if not name:
        raise ConfigError(f"{kind}: it needs a name")
    if len(corners) < least:
        raise ConfigError(f"{kind} {name}: {len(corners)} corners; at least {least} are needed")
    for x, y in corners:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ConfigError(f"{kind} {name}: ({x:g}, {y:g}) lies outside the picture; give shares from 0 to 1")


def parse_corners(text: str) -> tuple[str, tuple[Point, ...]]:
    """`door:0.1,0.2 0.5,0.2 0.5,0.9` to a name and corners.

    Raises:
        ConfigError: not of that form.
    """
    name, colon, rest = text.partition(":")
    try:
        pairs = [tuple(float(v) for v in corner.split(",")) for corner in rest.split()]
        corners = tuple((x, y) for x, y in pairs)
    except ValueError:
        corners = ()
    if not colon or not corners:
        raise ConfigError(
            f"{text!r}: expected NAME:X,Y X,Y X,Y with shares from 0 to 1, as in 'door:0.1,0 0.4,0 0.4,1'"
        )
    return name.strip(), corners


def middle(box_xyxy: NDArray[np.float32], width: int, height: int) -> Point:
    """Where a face is: the middle of its box, as shares of the picture."""
    x_min, y_min, x_max, y_max = (float(v) for v in box_xyxy)
    return (x_min + x_max) / 2 / width, (y_min + y_max) / 2 / height
