"""People over time: who is there, what is said of each now, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwise.stream.following.tracks import Tracker
from maskwise.stream.following.votes import Votes, Voting
from maskwise.values import UNCERTAIN, FrameResult, Verdict


@dataclass(slots=True)
class Person:
    """One person while in sight, and after that what was seen.

    number: of the track; dies with it.
    first_s, last_s: when the face was first and last found.
    box_xyxy: (4,) where it was last, pixels.
    verdict: what is said now.
    seconds: how long each verdict has been held.
    looks: how often the face was found.
    """

    number: int
    first_s: float
    last_s: float
    box_xyxy: NDArray[np.float32]
    verdict: Verdict
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    looks: int = 1

    def found(self, box_xyxy: NDArray[np.float32], verdict: Verdict, time_s: float) -> None:
        """Seen once more: the verdict held until now has lasted since the last time."""
        self.seconds[self.verdict.label] += time_s - self.last_s
        self.last_s, self.box_xyxy, self.verdict = time_s, box_xyxy, verdict
        self.looks += 1

    @property
    def summary(self) -> str:
        """The verdict held longest, `uncertain` only where there was no other: one person counts once."""
        judged = {label: seconds for label, seconds in self.seconds.items() if label != UNCERTAIN}
        return max(judged, key=lambda label: judged[label]) if judged else UNCERTAIN


class People:
    """Follows the faces of a stream and keeps what is said of each person."""

    def __init__(self, labels: tuple[str, ...], tracker: Tracker, voting: Voting | None = None) -> None:
        self._labels, self._tracker, self._voting = labels, tracker, voting
        self._votes: dict[int, Votes] = {}
        self.here: dict[int, Person] = {}

    def look(self, result: FrameResult, time_s: float) -> tuple[int, ...]:
        """Take in what was found in a frame; the number of each face's person, in the order of the faces."""
        numbers = self._tracker.look(result.faces, time_s)
        for i, number in enumerate(numbers):
            votes = self._votes.setdefault(number, Votes(self._labels, self._voting))
            clear = result.verdicts[i].label != UNCERTAIN or _only_unsure(result.verdicts[i])
            verdict = votes.look(result.probabilities[i], time_s, clear=clear)
            self._update(number, result.faces.boxes_xyxy[i], verdict, time_s)
        return numbers

    def leave(self, time_s: float) -> list[Person]:
        """Whoever has been out of sight for too long, each once."""
        numbers = self._tracker.gone(time_s)
        for number in numbers:
            del self._votes[number]
        return [self.here.pop(number) for number in numbers]

    def where(self, time_s: float) -> dict[int, NDArray[np.float32]]:
        """(4,) box of everyone here, moved on to this time."""
        return self._tracker.where(time_s)

    def _update(self, number: int, box: NDArray[np.float32], verdict: Verdict, time_s: float) -> None:
        person = self.here.get(number)
        if person is None:
            self.here[number] = Person(number, time_s, time_s, box, verdict)
            return
        person.found(box, verdict, time_s)


def _only_unsure(verdict: Verdict) -> bool:
    """Whether a single look was uncertain for want of confidence, which votes can make up for, and not of sight.

    Reasons of sight speak of the face: it is too small, blurred, cut off; see `maskwise.model.verdict`.
    """
    return not (verdict.uncertain_because or "").startswith("face ")
