"""Slices where people meet them: first screen, section of the page, terminal, predictions.csv."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from rich.console import Console

from maskwise.cli.figures import print_evaluation
from maskwise.data.manifest import Manifest
from maskwise.errors import DataError
from maskwise.model.artifact import ModelCard
from maskwise.model.crops import CropSpec
from maskwise.model.images import read_image
from maskwise.model.preprocess import Preprocess
from maskwise.training.evaluation import Evaluation, evaluate
from maskwise.training.facts import FACTS
from maskwise.training.predictions import Predictions, predict
from maskwise.training.report import render
from maskwise.values import CLASSES, Faces, Image
from tests.builders import rows_of
from tests.training.test_report import Page
from tests.training.test_slices import N, answered, errs, facts_of

CARD = ModelCard(CLASSES, "sequential", CropSpec(16), Preprocess())


def evaluation(worse: float) -> Evaluation:
    """A model that errs so often on dark masks, and on 5 of 100 other faces."""
    colours = ["dark" if i % 5 == 0 else "white" for i in range(N)]
    dark = np.array([colour == "dark" for colour in colours])
    rows = rows_of(N, source=["few" if i < 12 else "many" for i in range(N)])
    facts = facts_of(mask_colour=colours)
    _, predictions = answered(errs(np.random.default_rng(10), dark, worse), rows, facts)
    return evaluate(predictions, CARD)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", Page(page).text)


def test_the_first_screen_and_the_terminal_name_the_worst_slice() -> None:
    measured = evaluation(worse=0.5)
    sentence = measured.to_json()["slices"]["sentence"]
    assert sentence.startswith("Clearly worst slice: mask colour dark.")
    page = words(render(measured, pictures=False))
    assert sentence in page[: page.index("What was called what")]
    terminal = io.StringIO()
    print_evaluation(measured.to_json(), Console(file=terminal, width=1000))
    assert sentence in terminal.getvalue()


def test_where_none_is_clearly_worse_that_is_said() -> None:
    page = words(render(evaluation(worse=0.05), pictures=False))
    assert "No slice is clearly worse than the rest" in page[: page.index("What was called what")]
    assert "clearly worse" not in page[page.index("points from the rest") : page.index("Sharpness compares")]


def test_the_section_shows_every_slice_and_marks_the_small_ones() -> None:
    measured = evaluation(worse=0.5)
    content, html = measured.to_json()["slices"], render(measured, pictures=False)
    section = html[html.index('<section id="slices">') :]
    section = section[: section.index("</section>")]
    rows = re.findall(r"<tr( class=\"few\")?><th scope=\"row\">(.*?)</th>", section)
    assert [name for _, name in rows] == [s["name"] for s in content["shown"]]
    assert [bool(few) for few, _ in rows] == [s["n"] < 30 for s in content["shown"]]
    assert ("few", True) in [(name, bool(few)) for few, name in rows]
    assert section.count("<svg") == len(rows)
    assert section.count(">clearly worse<") == sum(s["clearly"] == "worse" for s in content["shown"]) >= 1


def nobody(image: Image) -> Faces:  # noqa: ARG001  # the protocol names it
    """A detector that finds no face."""
    return Faces.none()


class Sure:
    """A model that calls every face masked."""

    card, labels = CARD, CLASSES

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.tile(np.array([0.8, 0.1, 0.1], np.float32), (len(crops), 1))


def test_facts_stand_beside_the_face_that_they_were_measured_of(tmp_path: Path) -> None:
    """Grey pictures of known brightness, two boxes each, one file damaged: order and holes must be kept."""
    for i in range(6):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((60, 90, 3), 40 * i, np.uint8))
    (tmp_path / "3.png").write_bytes(b"not a picture")
    which = [5, 5, 0, 3, 3, 2, 1, 1, 4]
    boxes: dict[str, Any] = {
        "x_min": [10.0] * 9, "y_min": [5.0] * 9, "x_max": [60.0] * 9, "y_max": [25.0 + i for i in range(9)],
    }  # fmt: skip
    rows = rows_of(9, path=[str(tmp_path / f"{i}.png") for i in which], **boxes)
    found = predict(Sure(), Manifest(rows), find=nobody)  # type: ignore[arg-type]
    assert found.facts is not None
    table = found.table()
    assert [name for name in table.columns if name in FACTS] == list(FACTS)
    assert table["face_px"].to_list() == [None if i == 3 else 20.0 + row for row, i in enumerate(which)]
    assert table["brightness"].to_list() == [None if i == 3 else 40.0 * i for i in which]
    assert table["yaw_deg"].is_nan().to_list() == [None if i == 3 else True for i in which]
    labels = zip(rows["label"], which, strict=True)
    assert table["mask_colour"].is_null().to_list() == [label == "unmasked" or i == 3 for label, i in labels]
    found.write_csv(tmp_path / "predictions.csv")
    assert pl.read_csv(tmp_path / "predictions.csv")["face_px"].to_list() == table["face_px"].to_list()


def test_without_a_detector_nothing_is_measured(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.full((60, 90, 3), 90, np.uint8))
    found = predict(Sure(), Manifest(rows_of(1, path=[str(tmp_path / "0.png")])))  # type: ignore[arg-type]
    assert found.facts is None
    assert not set(FACTS) & set(found.table().columns)


def test_each_picture_is_decoded_once_for_crops_and_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.full((60, 90, 3), 90, np.uint8))
    decoded: list[Path] = []

    def counted(path: Path) -> Image:
        decoded.append(path)
        return read_image(path)

    monkeypatch.setattr("maskwise.training.cutting.read_image", counted)
    rows = rows_of(3, path=[str(tmp_path / "0.png")] * 3)
    predict(Sure(), Manifest(rows), find=nobody)  # type: ignore[arg-type]
    assert len(decoded) == 1


def test_facts_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match="facts: expected 2 rows"):
        Predictions(rows_of(2), CLASSES, np.full((2, 3), 1 / 3, np.float32), facts_of(3))
