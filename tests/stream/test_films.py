"""Films of known truth, watched by the bundled model and judged: from pixels to people, alarms and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskwise.data import clips
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import folder_of
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.stream.following.events import Rules
from maskwise.stream.measuring.judging import Judge
from maskwise.stream.measuring.truth import Seen, Truth
from maskwise.stream.sources.video import Video
from maskwise.stream.watching import Watching, watch


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(YuNet(), MaskClassifier.load(folder_of("default")))


def judged(pipeline: Pipeline, name: str, seconds: float, seed: int) -> dict[str, Any]:
    film = list(clips.film(clips.scenario(name, seconds, seed=seed), seconds, 10.0, (320, 240), seed))
    rows = [Seen(f.time_s or 0, f"{one.actor}", one.box_xyxy, one.label) for f, there in film for one in there]
    watching = Watching(rules=Rules(after_s=2.0), overlapped=False)
    judge = Judge(Truth(rows), watching.rules)
    for moment in watch((frame for frame, _ in film), pipeline, name, watching):
        judge.look(moment)
    return judge.to_json()


def test_two_who_cross_keep_their_numbers_and_their_verdicts(pipeline: Pipeline) -> None:
    report = judged(pipeline, "two_cross", 6.0, seed=3)
    assert [person["tracks"] for person in report["people"]] in ([[1], [2]], [[2], [1]])
    assert report["persons_right"]["value"] == 1.0
    assert (report["alarms"]["due"], report["alarms"]["missed"], report["alarms"]["false"]) == (1, 0, 0)
    assert report["nobody"] == 0


def test_one_who_lets_it_slip_is_told_of_and_then_leaves(pipeline: Pipeline) -> None:
    report = judged(pipeline, "leaves", 8.0, seed=2)
    (person,) = report["people"]
    assert len(person["tracks"]) == 1
    assert person["found"]["value"] > 0.9
    assert (report["alarms"]["due"], report["alarms"]["missed"], report["alarms"]["false"]) == (1, 0, 0)
    assert -1.0 < report["alarms"]["delay_s"]["value"] < 2.5


def test_an_empty_room_stays_empty(pipeline: Pipeline) -> None:
    report = judged(pipeline, "empty_room", 3.0, seed=0)
    assert (report["people"], report["nobody"], report["alarms"]["false"]) == ([], 0, 0)


@pytest.mark.parametrize("clip", ["unmasked_woman_book.mkv", "unmasked_man_sister.mkv"])
def test_a_real_person_who_moves_the_hands_keeps_one_number(pipeline: Pipeline, shared_data: Path, clip: str) -> None:
    numbers: list[int] = []
    looks = 0
    with Video(str(shared_data / "video" / clip)) as video:
        for moment in watch(video, pipeline, clip, Watching(overlapped=False)):
            if moment.result is not None:
                looks += 1
                numbers += moment.numbers[:1]  # the surest face; a hand is found as a second one now and then
    assert looks >= 25
    assert len(numbers) == looks
    assert set(numbers) == {1}
