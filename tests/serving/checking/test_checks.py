from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from maskwise.inference.checker import load
from maskwise.serving.checking.answers import Answer, Wish
from maskwise.serving.checking.checks import Checks
from maskwise.serving.checking.looking import Sent
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.problems import Busy
from maskwise.serving.settings import Limits, Settings
from tests.serving.awaiting import awaited
from tests.serving.checking.running import nobody, people

T = TypeVar("T")


def closed_checks(folder: Path, waiting: int = 128) -> Checks:
    """Nobody works yet, so what is begun waits."""
    return Checks(Settings(folder, limits=Limits(waiting=waiting)), Metrics())


def run(work: Coroutine[Any, Any, T]) -> T:
    return awaited(work, 60)


def test_thresholds_are_each_requests_own_though_pictures_are_looked_at_together(tmp_path: Path) -> None:
    checks = closed_checks(tmp_path)
    thresholds = [replace(checks.card.thresholds, confidence=c) for c in (0.0, 0.5, 0.9, 0.999, 1.0)]

    async def all_at_once() -> Sequence[list[Answer]]:
        tickets = [checks.begin([Sent(people(4))], Wish(each)) for each in thresholds]
        with checks:
            return await asyncio.gather(*(ticket.answers for ticket in tickets))

    answers = run(all_at_once())
    alone = [load(threshold=each.confidence) for each in thresholds]
    for (answer,), checker, each in zip(answers, alone, thresholds, strict=True):
        path = tmp_path / "four.png"
        path.write_bytes(people(4))
        assert [v.label for v in answer.verdicts] == [v.label for v in checker(path).verdicts], each
    counts = [sum(v.label == "uncertain" for v in answer.verdicts) for (answer,) in answers]
    assert counts[0] < counts[-1]


def test_answers_stand_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    async def check() -> list[Answer]:
        with closed_checks(tmp_path) as checks:
            pictures = [Sent(data, f"{i}.png", i) for i, data in enumerate([people(2), b"", nobody(), people(3)])]
            return await checks.begin(pictures, Wish(checks.card.thresholds)).answers

    rows = [json.loads(answer.json) for answer in run(check())]
    assert [(row["source"], row["index"], len(row["faces"]), bool(row["error"])) for row in rows] == [
        ("0.png", 0, 2, False), ("1.png", 1, 0, True), ("2.png", 2, 0, False), ("3.png", 3, 3, False),
    ]  # fmt: skip


def test_a_full_line_says_when_to_come_again_and_giving_up_makes_room(tmp_path: Path) -> None:
    checks = closed_checks(tmp_path, waiting=2)
    wish = Wish(checks.card.thresholds)

    async def check() -> None:
        first = checks.begin([Sent(nobody())] * 2, wish)
        with pytest.raises(Busy) as refused:
            checks.begin([Sent(nobody())], wish)
        assert int((refused.value.headers or {})["Retry-After"]) >= 1
        first.give_up()
        second = checks.begin([Sent(nobody())], wish)
        with checks:
            assert len(await second.answers) == 1
        assert first.answers.cancelled()

    run(check())


def test_what_waits_is_still_answered_when_the_service_ends(tmp_path: Path) -> None:
    async def check() -> list[Answer]:
        with closed_checks(tmp_path) as checks:
            ticket = checks.begin([Sent(nobody())] * 8, Wish(checks.card.thresholds))
        return await ticket.answers

    assert len(run(check())) == 8


def test_a_mistake_of_ours_costs_one_row_and_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = closed_checks(tmp_path)
    detect = checks._narrow.detect

    def breaks(image: Any) -> Any:
        if image.shape[0] == 480:
            raise RuntimeError("out of luck")
        return detect(image)

    for pipeline in (checks._narrow, checks._wide):
        monkeypatch.setattr(pipeline, "detect", breaks)

    async def check() -> list[Answer]:
        ticket = checks.begin([Sent(nobody()), Sent(people(2)), Sent(nobody())], Wish(checks.card.thresholds))
        with checks:
            return await ticket.answers

    answers = run(check())
    assert [answer.error is None for answer in answers] == [True, False, True]
    assert "out of luck" not in (answers[1].error or "")
