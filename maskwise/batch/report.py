"""The page about a run."""

from __future__ import annotations

from pathlib import Path

from maskwise.batch.summary import Summary, summary_json
from maskwise.pages.template import template
from maskwise.values import CLASSES, UNCERTAIN

TEMPLATE = Path(__file__).with_name("batch.html.jinja")

MEANING = {
    "masked": "nose and mouth covered",
    "incorrect": "a mask, but nose or mouth is bare",
    "unmasked": "no mask",
    "uncertain": "could not be told",
}


def write_report(summary: Summary) -> str:
    """The page, as HTML; it shows no face and names no picture."""
    content = summary_json(summary)
    faces = max(1, content["faces"])
    verdicts = [
        (name, MEANING[name], content["verdicts"].get(name, 0), content["verdicts"].get(name, 0) / faces)
        for name in (*(label for label in CLASSES if label in summary.plan.labels), UNCERTAIN)
    ]
    return template(TEMPLATE).render(s=content, verdicts=verdicts)
