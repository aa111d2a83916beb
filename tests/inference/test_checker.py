from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import maskwise
from maskwise.data import embedded
from maskwise.errors import ArtifactError, ConfigError, ImageError, InputError, ShapeError, UsageError
from maskwise.inference.sinks import COLUMNS
from maskwise.model.artifact import read_card, write_card
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import crop_whole
from maskwise.model.faces import WholePicture
from maskwise.model.verdict import OperatingPoint, Thresholds
from maskwise.values import Frame, Image
from tests.builders import BLUEISH, REDDISH, tiny_artifact


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_artifact(tmp_path_factory.mktemp("artifact"))


def plain(colour: tuple[int, int, int], size: int = 40) -> Image:
    return np.full((size, size, 3), colour, np.uint8)


@pytest.mark.parametrize(("colour", "verdict"), [(BLUEISH, "masked"), (REDDISH, "unmasked")])
@pytest.mark.parametrize("kind", ["array", "png", "bmp", "alpha"])
def test_channels_are_rgb_whatever_the_picture_came_as(
    artifact: Path, tmp_path: Path, colour: tuple[int, int, int], verdict: str, kind: str
) -> None:
    """The study never converted OpenCV's BGR: red and blue would change places and so would the verdicts."""
    checker = maskwise.load(artifact, faces="whole")
    picture: Image | Path = plain(colour)
    if kind != "array":
        path = tmp_path / ("a.png" if kind == "alpha" else f"a.{kind}")
        Pillow.fromarray(plain(colour)).convert("RGBA" if kind == "alpha" else "RGB").save(path)
        picture = path
    assert [v.label for v in checker(picture).verdicts] == [verdict]


def test_one_picture_is_judged_as_in_a_batch_and_as_in_training(artifact: Path, tmp_path: Path) -> None:
    """The study's single-picture test skipped the division by 255."""
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    path = tmp_path / "noise.png"
    Pillow.fromarray(image).save(path)
    checker, classifier = maskwise.load(artifact, faces="whole"), MaskClassifier.load(artifact)
    trained_way = classifier(crop_whole(image, classifier.card.crop)[None])
    for result in (checker(path), checker(image), *checker.batch([path, image, Frame(image)])):
        np.testing.assert_allclose(result.probabilities, trained_way, atol=1e-6)
    assert 0.01 < trained_way[0, 0] < 0.99, "a saturated answer would hide a missing division"


def test_a_bad_picture_in_a_batch_costs_one_row(artifact: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    checker = maskwise.load(artifact, faces="whole")
    results = list(checker.batch([plain(BLUEISH), bad, plain(REDDISH)]))
    assert [bool(r.error) for r in results] == [False, True, False]
    assert [r.index for r in results] == [0, 1, 2]
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        checker(bad)


def test_a_bad_array_in_a_batch_costs_one_row_too(artifact: Path) -> None:
    results = list(maskwise.load(artifact, faces="whole").batch([np.zeros((9, 9), np.uint8), plain(BLUEISH)]))
    assert [(r.source, bool(r.error), len(r.verdicts)) for r in results] == [("", True, 0), ("", False, 1)]
    assert "convert grey" in str(results[0].error)


def test_one_picture_is_not_several(artifact: Path) -> None:
    with pytest.raises(UsageError, match="call the checker itself"):
        maskwise.load(artifact).batch("hall.jpg")  # would be taken letter by letter


def test_what_is_no_picture_at_all_says_what_is(artifact: Path) -> None:
    with pytest.raises(InputError, match=r"numpy\.asarray\(picture\.convert"):
        maskwise.load(artifact)(Pillow.new("RGB", (9, 9)))  # type: ignore[arg-type]


def test_a_grey_file_is_the_same_as_its_rgb(artifact: Path, tmp_path: Path) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (40, 40)).astype(np.uint8)
    Pillow.fromarray(grey).save(tmp_path / "grey.png")
    checker = maskwise.load(artifact, faces="whole")
    expected = checker(np.stack([grey] * 3, axis=2)).probabilities
    assert np.array_equal(checker(tmp_path / "grey.png").probabilities, expected)


def test_files_come_with_their_pictures_in_order(artifact: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        Pillow.fromarray(plain(BLUEISH if i % 2 else REDDISH)).save(path)
    paths[4].write_bytes(b"cut off")
    pairs = list(maskwise.load(artifact, faces="whole").files(paths))
    assert [(r.source, r.index) for _, r in pairs] == [(str(p), i) for i, p in enumerate(paths)]
    assert [frame is None for frame, _ in pairs] == [bool(r.error) for _, r in pairs] == [i == 4 for i in range(9)]
    labels = ["masked" if i % 2 else "unmasked" for i in range(9) if i != 4]
    assert [v.label for _, r in pairs for v in r.verdicts] == labels


def test_the_json_is_the_documented_one(artifact: Path) -> None:
    result = maskwise.load(artifact, faces="whole")(Frame(plain(BLUEISH), "hall.jpg"))
    assert result.to_json() == {
        "source": "hall.jpg",
        "index": 0,
        "time_s": None,
        "width": 40,
        "height": 40,
        "error": None,
        "faces": [
            {
                "box_xyxy": [0.0, 0.0, 40.0, 40.0],
                "score": 1.0,
                "track": None,
                "track_verdict": None,
                "track_confidence": None,
                "verdict": "masked",
                "confidence": pytest.approx(1.0, abs=1e-3),
                "uncertain_because": None,
                "probabilities": {"masked": pytest.approx(1.0, abs=1e-3), "unmasked": pytest.approx(0.0, abs=1e-3)},
            }
        ],
    }


def test_the_reference_names_every_key_and_column(artifact: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text()
    result = maskwise.load(artifact, faces="whole")(plain(BLUEISH)).to_json()
    example = json.loads(text.split("```json")[1].split("```")[0])
    assert list(example) == list(result)
    assert list(example["faces"][0]) == list(result["faces"][0])
    for name in (*result, *result["faces"][0], *COLUMNS):
        assert f"`{name}`" in text, name


def test_a_threshold_makes_thin_answers_uncertain(artifact: Path) -> None:
    grey = plain((128, 128, 128))  # as much red as blue: one half each
    assert maskwise.load(artifact, faces="whole", threshold=0.4)(grey).verdicts[0].label != "uncertain"
    verdict = maskwise.load(artifact, faces="whole", threshold=0.9)(grey).verdicts[0]
    assert verdict.label == "uncertain"
    assert verdict.uncertain_because == "confidence 0.50 is under 0.90"


def test_no_face_is_an_ordinary_answer(artifact: Path) -> None:
    result = maskwise.load(artifact)(plain((90, 90, 90), 200))
    assert (result.verdicts, result.to_json()["faces"], result.error) == ((), [], None)


def test_smaller_faces_are_found_on_request_and_are_mostly_too_small_to_judge(artifact: Path) -> None:
    image = np.full((300, 400, 3), 127, np.uint8)
    head = Pillow.fromarray(embedded.astronaut()[10:210, 125:325]).resize((28, 28), Pillow.Resampling.BOX)
    image[200:228, 180:208] = np.asarray(head)
    assert [len(maskwise.load(artifact, min_face_px=px)(image).verdicts) for px in (40, 24, 16)] == [0, 1, 1]
    verdict = maskwise.load(artifact, min_face_px=16)(image).verdicts[0]
    assert verdict.label == "uncertain"
    assert re.fullmatch(r"face of 1\d px is under 20 px", str(verdict.uncertain_because))


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"artifact": "nowhere"}, ArtifactError, "not a model folder"),
        ({"faces": "some"}, ConfigError, "detect, whole"),
        ({"threshold": 1.5}, ConfigError, "between 0 and 1"),
        ({"threads": -1}, ConfigError, "below 0"),
        ({"min_face_px": 17}, ConfigError, "17 is not one of 16, 24, 40"),
        ({"min_face_px": 24, "faces": "whole"}, ConfigError, "24 goes with faces='detect'"),
    ],
)
def test_what_cannot_be_loaded_says_why(
    artifact: Path, options: dict[str, object], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        maskwise.load(**({"artifact": artifact} | options))  # type: ignore[arg-type]


def test_a_grey_array_is_refused_with_the_remedy(artifact: Path) -> None:
    with pytest.raises(ShapeError, match="convert grey or BGRA"):
        maskwise.load(artifact)(np.zeros((9, 9), np.uint8))


def test_pictures_may_come_from_memory(artifact: Path) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(plain(REDDISH)).save(buffer, "PNG")
    image = np.asarray(Pillow.open(buffer))
    assert maskwise.load(artifact, faces="whole")(image).verdicts[0].label == "unmasked"
    assert WholePicture()(image).boxes_xyxy.tolist() == [[0, 0, 40, 40]]


@pytest.fixture(scope="module")
def with_points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny artifact again, with a default that answers from 0.6 on, and a gate that wants 0.999 for masked."""
    folder = tiny_artifact(tmp_path_factory.mktemp("points"))
    points = {"balanced": OperatingPoint(Thresholds(0.6)), "gate": OperatingPoint(Thresholds(0.6, masked_from=0.999))}
    write_card(folder, replace(read_card(folder), operating_points=points))
    return folder


def test_an_operating_point_is_a_word(with_points: Path) -> None:
    bluish = plain((100, 90, 200))  # p(masked) 0.99
    verdicts = {
        name: maskwise.load(with_points, faces="whole", operating_point=name)(bluish).verdicts[0]
        for name in (None, "balanced", "gate")
    }
    assert [v.label for v in verdicts.values()] == ["masked", "masked", "uncertain"]
    assert verdicts["gate"].uncertain_because == "p(masked) 0.991 is under 0.999"
    assert verdicts["gate"].confidence == verdicts["balanced"].confidence
    with pytest.raises(ConfigError, match="'statistics' is not in this model; it has balanced, gate"):
        maskwise.load(with_points, operating_point="statistics")


def test_a_threshold_of_ones_own_wins_over_the_operating_points_confidence_only(with_points: Path) -> None:
    checker = maskwise.load(with_points, faces="whole", operating_point="gate", threshold=0.2)
    assert checker.pipeline.thresholds == Thresholds(0.2, masked_from=0.999)


def test_each_face_is_explained_by_its_verdict_or_else_by_its_likeliest_class(artifact: Path) -> None:
    image = plain(BLUEISH)
    sure, unsure = (maskwise.load(artifact, faces="whole", threshold=t) for t in (0.0, 1.0))
    assert [verdict.label for verdict in (*sure(image).verdicts, *unsure(image).verdicts)] == ["masked", "uncertain"]
    assert [e.label for e in (*sure.explain(image), *unsure.explain(image, unsure(image)))] == ["masked", "masked"]
    assert maskwise.load(artifact).explain(plain((90, 90, 90), 200)) == ()


def test_an_answer_that_is_not_the_likeliest_is_explained_all_the_same(tmp_path: Path) -> None:
    folder = tiny_artifact(tmp_path)
    points = {"statistics": OperatingPoint(Thresholds(0.0, masked_from=0.01))}
    write_card(folder, replace(read_card(folder), operating_points=points))
    checker = maskwise.load(folder, faces="whole", operating_point="statistics")
    reddish = plain((140, 90, 100))  # p(masked) 0.13
    assert checker(reddish).verdicts[0].label == checker.explain(reddish)[0].label == "masked"
