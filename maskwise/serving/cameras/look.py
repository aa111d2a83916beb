"""One look at a stream: the picture, who is in it, and what was found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from maskwise.serving.store.moments import iso
from maskwise.stream.outputs.blur import Blur
from maskwise.stream.watching import Shown
from maskwise.values import CLASSES, MASKED, UNCERTAIN, FrameResult, Image

VERDICTS = (*CLASSES, UNCERTAIN)


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen of a stream at one moment; never stored.

    stream: its number.
    at_s: when, in seconds since 1970.
    image: (height, width, 3) uint8 RGB.
    here: everyone in sight.
    result: what was found in this very picture.
    blur: whose faces are hidden from those who do not ask for less.
    number: counted up by the board, over all streams.
    """

    stream: int
    at_s: float
    image: Image
    here: tuple[Shown, ...]
    result: FrameResult
    blur: Blur = "all"
    number: int = 0

    @cached_property
    def people(self) -> dict[str, int]:
        """How many are said to be what."""
        return dict(Counter(person.verdict.label for person in self.here))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.image.shape[1], self.image.shape[0]

    @cached_property
    def text(self) -> str:
        """As JSON for everyone who hears of it; made once."""
        said = {
            "stream": self.stream,
            "at": iso(self.at_s),
            "result": self.result.to_json(),
            "now": now_json(self.people),
        }
        return json.dumps(said, allow_nan=False, separators=(",", ":"))

    def people_json(self) -> list[dict[str, Any]]:
        """Everyone in sight, as they are to be drawn; boxes in pixels of the whole picture."""
        return [
            {
                "number": person.number,
                "verdict": person.verdict.label,
                "confidence": round(float(person.verdict.confidence), 4),
                "box_xyxy": [round(float(v), 1) for v in person.box_xyxy],
            }
            for person in self.here
        ]


def now_json(people: Mapping[str, int]) -> dict[str, Any]:
    """How many are in sight, by verdict, and which share of those decided wears the mask rightly."""
    decided = sum(people.get(label, 0) for label in CLASSES)
    share = people.get(MASKED, 0) / decided if decided else None
    return {"people": {label: people.get(label, 0) for label in VERDICTS}, "compliance": share}
