"""How a stream is watched: what was chosen for it, checked once, and as it lies in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from maskwise.errors import ConfigError
from maskwise.model.faces import MIN_FACES_PX
from maskwise.stream.following.events import Rules
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.outputs.blur import Blur, parse_blur
from maskwise.stream.watching import Watching
from maskwise.values import INCORRECT, UNMASKED

MOST_LOOKS = 30.0
"""A second: cameras show no more, and each look costs time."""

LONGEST_S = 3600.0
"""That a violation may have to last."""

MOST_PLACES, MOST_CORNERS, LONGEST_NAME = 32, 64, 100
"""Zones, and as many lines; corners of one; letters of its name, as the tables have them."""


@dataclass(frozen=True, slots=True)
class How:
    """What was chosen for one stream.

    looks_per_s: how often faces are looked for, above 0.
    min_face_px: the smallest faces that matter, one of MIN_FACES_PX.
    operating_point: of the model; the service's own if None.
    violations, after_s, zones, lines: see `maskwise.stream.following.events.Rules`.
    blur: whose faces are hidden from those who do not ask for less.
    """

    looks_per_s: float = 10.0
    min_face_px: int = 40
    operating_point: str | None = None
    violations: tuple[str, ...] = (UNMASKED, INCORRECT)
    after_s: float = 3.0
    blur: Blur = "all"
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.looks_per_s <= MOST_LOOKS:
            raise ConfigError(f"looks_per_s: {self.looks_per_s} is not above 0 and at most {MOST_LOOKS:g}")
        if self.min_face_px not in MIN_FACES_PX:
            raise ConfigError(f"min_face_px: {self.min_face_px} is not one of {', '.join(map(str, MIN_FACES_PX))}")
        if not 0 <= self.after_s <= LONGEST_S:
            raise ConfigError(f"after_s: {self.after_s} is not from 0 to {LONGEST_S:g}")
        parse_blur(self.blur)
        for what, places in (("zones", self.zones), ("lines", self.lines)):
            _check_places(what, places)
        self.watching()

    def watching(self) -> Watching:
        """The same, as watching takes it."""
        return Watching(self.looks_per_s, rules=Rules(self.violations, self.after_s, self.zones, self.lines))

    def to_json(self) -> dict[str, Any]:
        """As it is stored and told."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        places = {what: [_place_json(place) for place in plain[what]] for what in ("zones", "lines")}
        return {**plain, "violations": list(self.violations), **places}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> How:
        """What `to_json` gave; what is not there is as usual.

        Raises:
            ConfigError: out of range, or not of that form.
        """
        unknown = sorted(stored.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(f"{', '.join(unknown)}: no setting of a stream is called so")
        try:
            given = dict(stored)
            for what, kind in (("zones", Zone), ("lines", Line)):
                if what in given:
                    given[what] = tuple(kind(str(place["name"]), _corners(place["corners"])) for place in given[what])
            if "violations" in given:
                given["violations"] = tuple(given["violations"])
            return cls(**given)
        except (TypeError, ValueError, KeyError) as error:
            raise ConfigError(f"the settings of the stream are not well formed: {type(error).__name__}") from error


def _corners(given: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in given)


def _place_json(place: Zone | Line) -> dict[str, Any]:
    return {"name": place.name, "corners": [list(corner) for corner in place.corners]}


def _check_places(what: str, places: tuple[Zone | Line, ...]) -> None:
    if len(places) > MOST_PLACES:
        raise ConfigError(f"{what}: {len(places)} are given, at most {MOST_PLACES} are allowed")
    for place in places:
        if len(place.name) > LONGEST_NAME or not place.name.isprintable():
            raise ConfigError(f"{what}: a name has at most {LONGEST_NAME} letters, none of them a control character")
        if len(place.corners) > MOST_CORNERS:
            raise ConfigError(f"{what}: {place.name} has {len(place.corners)} corners, at most {MOST_CORNERS} count")
