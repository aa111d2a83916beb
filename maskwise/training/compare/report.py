"""A comparison on disk: compare.json for programs, compare.html for people, predictions.csv to recount everything."""

from __future__ import annotations

from pathlib import Path

from maskwise.data.manifest import Manifest
from maskwise.model.crops import CropSpec
from maskwise.model.storage import write_text
from maskwise.pages.template import template
from maskwise.pages.thumbnails import thumbnails
from maskwise.training.compare.comparison import Comparison, Content
from maskwise.training.report import CSV_NAME, as_json

HTML_NAME, JSON_NAME = "compare.html", "compare.json"
TEMPLATE = Path(__file__).with_name("compare.html.jinja")

SHOWN = 24
"""Faces that the page shows of each kind of disagreement."""

KINDS = {"b": "only B is right", "a": "only A is right", "neither": "both are wrong, each in its way"}


def write_comparison(comparison: Comparison, folder: Path, *, pictures: bool = True) -> Path:
    """Write compare.json, compare.html and predictions.csv.

    Args:
        comparison: what was found.
        folder: where to; made if it is not there.
        pictures: whether the page may hold faces; without, it has their file names only.

    Returns:
        The page.

    Raises:
        StorageError: a file cannot be written.
    """
    comparison.pair.write_csv(folder / CSV_NAME)
    write_text(folder / JSON_NAME, as_json(comparison.to_json()))
    write_text(folder / HTML_NAME, render(comparison, pictures=pictures))
    return folder / HTML_NAME


def render(comparison: Comparison, *, pictures: bool = True) -> str:
    """The page; see `write_comparison`."""
    content = comparison.to_json()
    kinds = _by_kind(content)
    shown = [face["row"] for listed in kinds.values() for face in listed[:SHOWN]]
    return template(TEMPLATE).render(
        r=content,
        kinds=kinds,
        shown=SHOWN,
        pictures=pictures,
        thumbnails=_thumbnails(comparison, shown) if pictures else {},
    )


def _by_kind(content: Content) -> dict[str, list[Content]]:
    """The disagreements by who is right, in the order of KINDS."""
    kinds: dict[str, list[Content]] = {said: [] for said in KINDS.values()}
    for face in content["disagreements"]["listed"]:
        right = [name for name in "ab" if face[name]["predicted"] == face["label"]]
        kinds[KINDS[right[0] if right else "neither"]].append(face)
    return {said: listed for said, listed in kinds.items() if listed}


def _thumbnails(comparison: Comparison, rows: list[int]) -> dict[int, str | None]:
    """As the model sees them that sees more around the face."""
    part = comparison.pair.a.rows[rows]
    margin = max(model["crop"]["margin"] for model in comparison.to_json()["models"].values())
    pictures = thumbnails(part["path"].to_list(), Manifest(part).boxes_xyxy(), CropSpec(margin=margin))
    return dict(zip(rows, pictures, strict=True))
