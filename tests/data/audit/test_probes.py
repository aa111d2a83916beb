from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data.audit.folds import can_be_folded, out_of_fold
from maskwise.data.audit.header import FIELDS, header
from maskwise.data.audit.look import FACE
from maskwise.data.audit.probes import Probe, draw, face_features, forest, judge_faces, probe_features, run_probes
from maskwise.data.audit.suspects import confidences, suspicion
from maskwise.statistics.metrics import Figure

N = 240
TARGET = np.arange(N) % 2
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.data.audit.probes.TREES", 30)


BOXES = np.full((N, 4), np.nan, np.float32)


def noise() -> dict[str, Any]:
    """Faces and headers that say nothing about the class."""
    faces = np.zeros(N, FACE)
    faces["thumbnail"] = RNG.integers(0, 256, faces["thumbnail"].shape)
    faces["histogram"] = RNG.random(faces["histogram"].shape)
    faces["hog"] = RNG.random(faces["hog"].shape)
    faces["lab"] = RNG.integers(0, 256, faces["lab"].shape)
    return {
        "headers": RNG.random((N, len(FIELDS))).astype(np.float32),
        "faces": faces,
        "sources": np.zeros(N, np.int64),
        "boxes": BOXES.copy(),
    }


def asked(given: dict[str, Any], groups: np.ndarray[Any, Any] | None = None) -> dict[str, Probe]:
    face = (Figure(0.95, 0.9, 0.98, N),) * 2
    sees = probe_features(given["headers"], given["faces"], given["sources"], given["boxes"])
    return {p.name: p for p in run_probes(sees, face, TARGET, np.arange(N) if groups is None else groups)}


def test_where_nothing_tells_the_class_every_probe_guesses() -> None:
    probes = asked(noise())
    assert list(probes) == ["metadata", "thumbnail", "border", "colours", "face"]
    for name in list(probes)[:-1]:
        assert probes[name].level == "green"
        assert probes[name].accuracy.low < 0.55


def _metadata(given: dict[str, Any]) -> None:
    given["headers"][:, FIELDS.index("bytes")] = 1000 + 500 * TARGET


def _border(given: dict[str, Any]) -> None:
    given["faces"]["thumbnail"][:, :3] = (60 + 120 * TARGET)[:, None, None, None]


def _middle(given: dict[str, Any]) -> None:
    given["faces"]["thumbnail"][:, 3:13, 3:13] = (60 + 120 * TARGET)[:, None, None, None]


def _colours(given: dict[str, Any]) -> None:
    given["faces"]["histogram"][:, 7] = 0.9 * TARGET


def _box(given: dict[str, Any]) -> None:
    given["boxes"][:] = RNG.random((N, 4))
    given["boxes"][:, 2] = 0.1 + 0.5 * TARGET


def _source(given: dict[str, Any]) -> None:
    given["sources"][:] = TARGET


@pytest.mark.parametrize(
    ("plant", "red"),
    [
        (_metadata, {"metadata"}),
        (_border, {"border", "thumbnail"}),
        (_middle, {"thumbnail"}),  # the border probe must not see the mouth
        (_colours, {"colours"}),
        (_box, {"box"}),
        (_source, {"source"}),
    ],
)
def test_a_planted_shortcut_turns_its_own_probe_red_and_no_other(plant: Any, red: set[str]) -> None:
    given = noise()
    plant(given)
    probes = asked(given)
    assert {name for name, p in probes.items() if p.level == "red"} == red
    assert all(probes[name].accuracy.value > 0.95 for name in red)


def test_what_a_probe_knows_of_a_group_does_not_help_it() -> None:
    """Each group has a look and a class of its own: across groups that tells nothing."""
    given = noise()
    groups = np.arange(N) // 12 * 2 + TARGET  # 40 groups of one class each
    given["faces"]["thumbnail"] = RNG.integers(0, 256, (int(groups.max()) + 1, 16, 16, 3))[groups]
    probes = asked(given, groups)
    assert probes["thumbnail"].accuracy.low < 0.6
    leaky = asked(given)  # as if every face were a group of its own
    assert leaky["thumbnail"].accuracy.value > 0.95


def test_wrong_labels_come_first_among_the_suspects() -> None:
    given = noise()
    given["faces"]["hog"][:, :40] += TARGET[:, None]
    wrong = RNG.permutation(N)[:12]
    labels = TARGET.copy()
    labels[wrong] = 1 - labels[wrong]
    scores = judge_faces(face_features(given["faces"]), labels, np.arange(N))
    probabilities = confidences(scores, labels)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    doubt = suspicion(probabilities, labels)
    assert set(np.argsort(-doubt)[:12]) == set(wrong)
    assert (doubt[wrong] > 0).all()


@pytest.mark.parametrize(
    ("own", "other", "expected"), [(0.9, 0.1, -0.8), (0.5, 0.5, 0.0), (0.1, 0.9, 0.8), (0.0, 1.0, 1.0)]
)
def test_suspicion_is_by_how_much_another_class_is_likelier(own: float, other: float, expected: float) -> None:
    assert suspicion(np.array([[own, other]]), np.array([0]))[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("target", "groups", "possible"),
    [([0, 0, 1, 1], [0, 1, 2, 3], True), ([0, 0, 0], [0, 1, 2], False), ([0, 0, 1, 1], [0, 1, 2, 2], False)],
)
def test_folds_need_two_classes_in_two_groups_each(target: list[int], groups: list[int], possible: bool) -> None:
    assert can_be_folded(np.array(target), np.array(groups)) == possible


def test_no_face_is_judged_by_a_model_that_saw_its_group() -> None:
    seen: list[set[float]] = []

    class Remembers:
        classes_ = np.array([0, 1])

        def fit(self, features: Any, _target: Any) -> Remembers:
            self.known = set(features[:, 0].tolist())
            return self

        def predict_proba(self, features: Any) -> Any:
            seen.append(self.known & set(features[:, 0].tolist()))
            return np.zeros((len(features), 2))

    groups = np.arange(60) // 3
    out_of_fold(groups[:, None].astype(np.float32), groups % 2, groups, lambda _: Remembers())
    assert len(seen) == 5
    assert not any(seen)


def test_drawing_takes_whole_groups_while_there_is_room() -> None:
    groups = np.arange(100) // 10
    drawn = draw(groups, 50)
    assert len(drawn) == 50
    assert len(np.unique(groups[drawn])) == 5
    assert draw(groups, 1000).tolist() == list(range(100))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_the_header_says_what_the_file_is(kind: str) -> None:
    file = io.BytesIO()
    picture = Pillow.fromarray(np.zeros((20, 40, 3), np.uint8))
    picture.save(file, kind, **({"quality": 60, "progressive": True} if kind == "JPEG" else {}))
    said = dict(zip(FIELDS, header(file.getvalue()).tolist(), strict=True))
    assert (said["width"], said["height"], said["aspect"]) == (40, 20, 2)
    assert said["bytes"] == len(file.getvalue())
    assert (said["luma_table"] > 0) == (kind == "JPEG")
    assert said["progressive"] == (1 if kind == "JPEG" else -1)


def test_a_coarser_jpeg_has_larger_tables() -> None:
    sums = []
    for quality in (95, 60, 20):
        file = io.BytesIO()
        Pillow.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file, "JPEG", quality=quality)
        sums.append(header(file.getvalue())[FIELDS.index("luma_table")])
    assert sums == sorted(sums)
    assert sums[0] < sums[2]


def test_a_forest_says_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.data.audit.probes.TREES", 200)
    features = np.random.default_rng(0).standard_normal((N, 8)).astype(np.float32)
    said = {out_of_fold(features, TARGET, np.arange(N), forest).tobytes() for _ in range(4)}
    assert len(said) == 1
