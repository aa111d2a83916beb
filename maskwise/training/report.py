"""The report: report.json for programs, report.html for people, predictions.csv to recount everything.

The page is one file. It runs no script, fetches nothing and forbids both by its own policy, so that it can be mailed,
archived and opened anywhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from maskwise.data.manifest import Manifest
from maskwise.errors import StorageError
from maskwise.model.storage import write_text
from maskwise.pages.template import template
from maskwise.pages.thumbnails import holds_pictures, plot, thumbnails
from maskwise.training import charts
from maskwise.training.evaluation import Content, Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HTML_NAME, JSON_NAME, CSV_NAME = "report.html", "report.json", "predictions.csv"
TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write_report(
    evaluation: Evaluation, folder: Path, *, figures: Mapping[str, Figure] | None = None, pictures: bool = True
) -> Path:
    """Write report.json, report.html and predictions.csv.

    Args:
        evaluation: what was measured.
        folder: where to; made if it is not there.
        figures: plots of the data, by title.
        pictures: whether the page may hold faces; without, it has their file names only, and no plot that shows faces.

    Returns:
        The page.

    Raises:
        StorageError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write the report into {folder}: {error.strerror or error}") from error
    evaluation.predictions.write_csv(folder / CSV_NAME)
    write_text(folder / JSON_NAME, as_json(evaluation.to_json()))
    write_text(folder / HTML_NAME, render(evaluation, figures=figures, pictures=pictures))
    return folder / HTML_NAME


def render(evaluation: Evaluation, *, figures: Mapping[str, Figure] | None = None, pictures: bool = True) -> str:
    """The page; see `write_report`."""
    content = evaluation.to_json()
    return template(TEMPLATE).render(
        r=content,
        headlines=_headlines(content),
        from_share=_axis_start(content),
        slices_from=_round_share_below(s["accuracy"] for s in content["slices"]["shown"]),
        ranking=charts.ranking_charts(content),
        confidence=charts.confidence_charts(content),
        learning=charts.history_charts(content["history"]),
        chart=charts,
        figures={
            title: plot(figure) for title, figure in (figures or {}).items() if pictures or not holds_pictures(figure)
        },
        pictures=pictures,
        thumbnails=_thumbnails(evaluation) if pictures else {},
    )


def _headlines(content: Content) -> list[tuple[str, str, Content]]:
    """Name, colour and figure of what stands on top; a class's recall is what its people care for."""
    recalls = [
        (f"{label} found", label, figures["recall"]) for label, figures in content["per_class"].items() if figures["n"]
    ]
    return [
        ("accuracy", "", content["accuracy"]),
        ("balanced accuracy", "", content["balanced_accuracy"]),
        *recalls,
    ]


def _axis_start(content: Content) -> float:
    """Where the little axes of the headline figures begin: at a round share below every interval."""
    return _round_share_below([figure for _, _, figure in _headlines(content)]) if content["n"] else 0.0


def _round_share_below(figures: Iterable[Content]) -> float:
    return min((math.floor(figure["low"] * 10) for figure in figures), default=0) / 10


def _thumbnails(evaluation: Evaluation) -> dict[int, str | None]:
    content = evaluation.to_json()
    rows = [shown["row"] for kind in ("mistakes", "correct") for shown in content[kind]["shown"]]
    part = evaluation.predictions.rows[rows]
    pictures = thumbnails(part["path"].to_list(), Manifest(part).boxes_xyxy(), evaluation.card.crop)
    return dict(zip(rows, pictures, strict=True))


def as_json(content: Content) -> str:
    """A report for programs, as text."""
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
