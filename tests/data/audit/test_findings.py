from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from maskwise.data.audit.findings import KINDS, Finding, find, verdict

PAIRS = {kind: {"pairs": 0, "mirrored": 0, "contradicting": 0} for kind in ("copy", "twin", "scene")}
CLEAN: dict[str, Any] = {
    "faces": 1000, "pictures": 1000, "labels": {"masked": 500, "unmasked": 500}, "pairs": PAIRS, "leaks": {},
    "random_split": {"same_picture": 0.0, "same_shooting_or_group": 0.0}, "against": None,
    "groups": {"independent": 1000, "given": 0, "new": 0, "faces_joined": 0, "largest": 1,
               "of_class": {"masked": 500, "unmasked": 500}},
    "face": {"balanced_accuracy": {"value": 0.9, "low": 0.88, "high": 0.92, "n": 1000}},
    "probes": [{"name": "metadata", "sees": "the file", "level": "green"}],
    "suspects": {"n": 1000, "contradicted": 0, "strongly": 0}, "quality": {}, "unusable": {"n": 0},
    "sources_of_class": {"masked": ["a"], "unmasked": ["a"]},
}  # fmt: skip


def figure(value: float, n: int = 200) -> dict[str, Any]:
    return {"value": value, "low": max(value - 0.02, 0), "high": min(value + 0.02, 1), "n": n}


def leak(same: float, near: float) -> dict[str, Any]:
    return {"test": {"same_picture": figure(same), "same_shooting_or_group": figure(near)}}


def probe(level: str) -> dict[str, Any]:
    return {"name": "metadata", "sees": "only the file", "balanced_accuracy": figure(0.8), "level": level}


@pytest.mark.parametrize(
    ("change", "kind", "level"),
    [
        ({"leaks": leak(0.12, 0.12)}, "leak", "red"),
        ({"leaks": leak(0.005, 0.005)}, "leak", "amber"),
        ({"leaks": leak(0.0, 0.2)}, "leak", "red"),
        ({"random_split": {"same_picture": 0.1, "same_shooting_or_group": 0.1}}, "leak", "amber"),
        ({"probes": [probe("red")]}, "shortcut", "red"),
        ({"probes": [probe("amber")]}, "shortcut", "amber"),
        ({"pairs": PAIRS | {"twin": {"pairs": 30, "mirrored": 0, "contradicting": 20}}}, "contradiction", "red"),
        ({"pairs": PAIRS | {"copy": {"pairs": 3, "mirrored": 0, "contradicting": 1}}}, "contradiction", "amber"),
        ({"pairs": PAIRS | {"copy": {"pairs": 3, "mirrored": 0, "contradicting": 0}}}, "duplicate", "green"),
        ({"suspects": {"n": 1000, "contradicted": 80, "strongly": 50}}, "label", "amber"),
        ({"labels": {"masked": 980, "unmasked": 20}}, "balance", "amber"),
        ({"sources_of_class": {"masked": ["a", "b"], "unmasked": ["a"]}}, "balance", "amber"),
        ({"quality": {"tiny": {"n": 300}}}, "quality", "amber"),
        ({"quality": {"tiny": {"n": 3}}}, "quality", "green"),
        ({"unusable": {"n": 100}}, "unusable", "amber"),
    ],
)
def test_each_finding_has_its_level_and_a_figure(change: dict[str, Any], kind: str, level: str) -> None:
    found = [f for f in find(deepcopy(CLEAN) | change) if f.kind == kind]
    assert max((f.level for f in found), key=["green", "amber", "red"].index) == level
    assert all(any(c.isdigit() for c in f.says) or kind == "balance" for f in found)
    assert kind in KINDS


def test_clean_data_has_nothing_but_good_to_know() -> None:
    assert verdict(find(CLEAN)) == "green"


def test_what_is_not_a_face_is_no_class_that_could_be_rare() -> None:
    labels = CLEAN["labels"] | {"not_a_face": 5}
    groups = CLEAN["groups"] | {"of_class": CLEAN["groups"]["of_class"] | {"not_a_face": 5}}
    assert find(CLEAN | {"labels": labels, "groups": groups}) == find(CLEAN)


def test_what_could_not_be_probed_is_told() -> None:
    assert verdict(find(CLEAN | {"probes": []})) == "amber"


def test_too_few_people_are_told() -> None:
    few = CLEAN["groups"] | {"of_class": {"masked": 12, "unmasked": 500}}
    says = [f.says for f in find(CLEAN | {"groups": few})]
    assert any("12 independent groups only" in text for text in says)


@pytest.mark.parametrize(("levels", "worst"), [([], "green"), (["green", "amber"], "amber"), (["red", "green"], "red")])
def test_the_worst_finding_is_the_verdict(levels: list[str], worst: str) -> None:
    assert verdict([Finding("leak", level, "says") for level in levels]) == worst


def test_the_gravest_comes_first() -> None:
    found = find(CLEAN | {"quality": {"tiny": {"n": 3}}, "leaks": leak(0.3, 0.3), "unusable": {"n": 100}})
    levels = [f.level for f in found]
    assert levels == sorted(levels, key=["red", "amber", "green"].index)
