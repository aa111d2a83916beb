"""What a report says of confidence: calibration, coverage and operating points, in JSON, in words and on the page."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from maskwise.cli.figures import print_evaluation
from maskwise.data.manifest import SCHEMA
from maskwise.model.artifact import ModelCard
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.verdict import OperatingPoint, Thresholds
from maskwise.statistics.metrics import wilson
from maskwise.training import charts
from maskwise.training.evaluation import evaluate
from maskwise.training.facts import FACTS
from maskwise.training.predictions import Predictions
from maskwise.training.remarks import said_of_point
from maskwise.training.report import render
from tests.training.test_report import Page, sample

TWO = ("masked", "unmasked")
POINTS = {
    "balanced": OperatingPoint(Thresholds(0.6)),
    "gate": OperatingPoint(Thresholds(0.6, masked_from=0.9)),
    "statistics": OperatingPoint(Thresholds(0, masked_from=0.7, min_face_px=0, min_inside=0)),
}


def card(**changes: Any) -> ModelCard:
    return ModelCard(TWO, "sequential", CropSpec(16), Preprocess(), operating_points=POINTS, **changes)


def predictions(
    p_masked: list[float],
    truth: list[str],
    sides_px: list[float | None] | None = None,
    facts: pl.DataFrame | None = None,
    split: str = "test",
) -> Predictions:
    n = len(truth)
    ends = sides_px or [None] * n
    corner = [None if end is None else 0.0 for end in ends]
    rows = pl.DataFrame(
        {
            **dict.fromkeys(SCHEMA),
            "path": [f"/data/{i}.png" for i in range(n)],
            "x_min": corner, "y_min": corner, "x_max": ends, "y_max": [None if e is None else e + 9 for e in ends],
            "label": truth, "source": ["set"] * n, "width": [200] * n, "height": [200] * n,
            "sha256": [f"{i:064x}" for i in range(n)], "split": [split] * n,
        },
        schema=SCHEMA,
    )  # fmt: skip
    p: NDArray[np.float32] = np.stack([p_masked, 1 - np.array(p_masked)], axis=1).astype(np.float32)
    return Predictions(rows, TWO, p, facts)


def ten(**options: Any) -> Predictions:
    """Four masked, six bare: p(masked) as below."""
    return predictions(
        [0.95, 0.8, 0.65, 0.3, 0.92, 0.75, 0.55, 0.2, 0.1, 0.05], ["masked"] * 4 + ["unmasked"] * 6, **options
    )


def test_operating_points_are_measured_on_the_data_at_hand() -> None:
    points = evaluate(ten(), card()).to_json()["operating_points"]
    assert {name: {key: p[key]["value"] for key in ("decided", "passed", "alarmed")} for name, p in points.items()} == {
        "balanced": {"decided": 0.9, "passed": pytest.approx(2 / 6), "alarmed": 0.25},
        "gate": {"decided": 0.6, "passed": pytest.approx(1 / 6), "alarmed": 0.25},
        "statistics": {"decided": 1.0, "passed": pytest.approx(2 / 6), "alarmed": 0.5},
    }
    assert points["gate"]["error"]["value"] == pytest.approx(2 / 6)  # one masked alarmed, one bare passed
    assert points["statistics"]["called_masked"]["value"] == 0.4
    assert points["gate"]["thresholds"] == asdict(POINTS["gate"].thresholds)
    assert points["gate"]["passed"]["high"] == pytest.approx(wilson(1, 6)[1])


def test_small_and_blurred_faces_are_counted_where_they_are_known() -> None:
    plain = evaluate(ten(), card()).to_json()["uncertain"]
    assert (plain["share"]["value"], plain["by_quality"]) == (0.1, 0)
    small = evaluate(ten(sides_px=[15.0, 19.9, 20.0, *[80.0] * 6, None]), card()).to_json()
    assert (small["uncertain"]["share"]["value"], small["uncertain"]["by_quality"]) == (pytest.approx(0.3), 2)
    assert small["operating_points"]["balanced"]["decided"]["value"] == pytest.approx(0.7)
    assert small["operating_points"]["statistics"]["decided"]["value"] == 1.0
    nothing = {name: [None] * 10 for name in FACTS}
    facts = pl.DataFrame(
        nothing | {"face_px": [15.0, *[80.0] * 8, None], "sharpness": [0.5, 0.05, 0.1, *[0.5] * 6, None]}, schema=FACTS
    )
    strict = Thresholds(0.6, min_sharpness=0.1)
    blurred = evaluate(ten(facts=facts), card(thresholds=strict)).to_json()["uncertain"]
    assert (blurred["share"]["value"], blurred["by_quality"]) == (pytest.approx(0.3), 2)
    assert blurred["accuracy_of_the_rest"]["n"] == 7


def test_calibration_is_told_before_and_after_the_temperature() -> None:
    """Always 0.88 at temperature 2 was 0.98 before, and 88 of 100 are right."""
    said = evaluate(predictions([0.88] * 100, ["masked"] * 88 + ["unmasked"] * 12), card(temperature=2.0)).to_json()
    logit = 2 * np.log(0.88 / 0.12)
    assert said["calibration"]["ece_after"]["value"] == pytest.approx(0, abs=1e-6)
    assert said["calibration"]["ece_before"]["value"] == pytest.approx(1 / (1 + np.exp(-logit)) - 0.88, abs=1e-5)
    assert said["coverage_risk"]["risk_at_full"]["value"] == pytest.approx(0.12)


def test_the_words_give_counts_of_a_hundred_with_their_interval() -> None:
    figure = {"value": 0.02, "low": 0.0113, "high": 0.0351, "n": 1000}
    figures = dict.fromkeys(("decided", "error", "passed", "alarmed", "called_masked"), figure)
    assert said_of_point("gate", figures, 0.5) == (
        "For a door: what is not surely masked gets no pass. Of 100 faces 2.0 (1.1 to 3.6) get an answer; of 100 "
        "answers 2.0 (1.1 to 3.6) are wrong. Of 100 faces without a proper mask 2.0 (1.1 to 3.6) pass as masked. Of "
        "100 masked faces 2.0 (1.1 to 3.6) raise a false alarm. Of 100 faces 2.0 (1.1 to 3.6) are called masked, 50.0 "
        "are."
    )
    none = {"value": None, "low": None, "high": None, "n": 0}
    assert "without a proper mask" not in said_of_point("mine", figures | {"passed": none, "error": none}, 1.0)


@pytest.mark.parametrize(
    ("split", "own", "warned"), [("validation", True, True), ("test", True, False), ("validation", False, False)]
)
def test_figures_on_the_faces_that_chose_them_say_so(split: str, own: bool, warned: bool) -> None:
    check = {"by": "group", "groups": 0, "duplicates": 0} if own else None
    notes = evaluate(ten(split=split), card(), split=split, split_check=check).to_json()["notes"]
    assert any("chosen on these same faces" in note for note in notes) == warned


def test_the_page_draws_all_of_it(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    bare = Page(render(evaluation))
    with_points = evaluate(evaluation.predictions, replace(evaluation.card, operating_points=POINTS))
    page = Page(render(with_points))
    assert page.open == []
    ids = {attributes.get("id") for attributes in page.all("section")}
    assert {"confidence", "operating-points"} <= ids
    assert "operating-points" not in {attributes.get("id") for attributes in bare.all("section")}
    content = with_points.to_json()
    for point in content["operating_points"].values():
        assert point["said"] in page.text
    drawn = [str(attributes.get("aria-label")) for attributes in page.all("svg")]
    ece = content["calibration"]["ece_after"]["value"]
    assert any("Reliability diagram" in d and f"calibrated: {ece:.3f}" in d for d in drawn)
    assert any(d.startswith("Coverage and risk") for d in drawn)
    assert "dotted: calibrated" in " ".join(page.text.split())
    assert {"#confidence", "#operating-points"} <= {a.get("href") for a in page.all("a")}


@pytest.mark.parametrize("p_masked", [[0.95, 0.8, 0.65, 0.3], [0.5, 0.9, 0.9, 0.9], [1.0] * 4, [0.0] * 4])
def test_the_diagonal_of_the_diagram_is_where_confidence_is_what_is_right(p_masked: list[float]) -> None:
    """It is drawn from corner to corner, so both axes must have the same span."""
    said = evaluate(predictions(p_masked, ["masked"] * 4), card()).to_json()
    reliability, risk = charts.confidence_charts(said)
    assert [t.text for t in reliability.x_ticks] == [t.text for t in reliability.y_ticks]
    assert reliability.x_ticks[0].at == charts.LEFT
    assert reliability.x_ticks[-1].at == charts.WIDTH - charts.RIGHT
    assert (reliability.y_ticks[0].at, reliability.y_ticks[-1].at) == (charts.HEIGHT - charts.BOTTOM, charts.TOP)
    assert (reliability.diagonal, risk.diagonal) == ("calibrated", "")


def test_the_terminal_shows_the_points(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    print_evaluation(json.loads(json.dumps(evaluate(ten(), card()).to_json())), Console(width=200))
    shown = capsys.readouterr().out
    assert "gate              decided 0.600" in shown
    assert "calibration error 0." in shown
