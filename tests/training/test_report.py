from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure as Plot
from numpy.typing import NDArray

from maskwise.data.manifest import SCHEMA
from maskwise.errors import StorageError
from maskwise.model.artifact import ModelCard
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.pages.template import percent, span
from maskwise.training import charts
from maskwise.training.evaluation import Evaluation, evaluate
from maskwise.training.facts import FaceFacts, facts_table
from maskwise.training.predictions import Predictions
from maskwise.training.report import render, write_report
from maskwise.values import CLASSES

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "report.md"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;'
VOID = {"meta", "img", "br", "line", "rect", "polyline"}


class Page(HTMLParser):
    """What a test asks of a page: its tags, its visible text, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def history(epochs: int = 3) -> list[dict[str, Any]]:
    return [
        {"epoch": e, "train_loss": 0.5 / (e + 1), "train_accuracy": 0.8 + e / 20, "validation_loss": None if e else 0.6,
         "validation_accuracy": 0.75 + e / 20}
        for e in range(epochs)
    ]  # fmt: skip


def sample(
    folder: Path,
    n: int = 40,
    labels: tuple[str, ...] = CLASSES,
    name: str = "face",
    title: str = "entrance",
    **options: Any,
) -> Evaluation:
    """An evaluation of small pictures of noise, with mistakes, sources, groups and one unreadable file."""
    rng = np.random.default_rng(1)
    target = np.arange(n) % 3
    paths = [folder / f"{i:03d} {name.replace('/', '_')}.png" for i in range(n)]
    for path in paths:
        path.write_bytes(cv2.imencode(".png", rng.integers(0, 256, (24, 20, 3), np.uint8))[1].tobytes())
    weights = rng.dirichlet(np.ones(len(labels)), n) + 0.4 * np.eye(len(labels))[np.minimum(target, len(labels) - 1)]
    probabilities: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    probabilities[7] = np.nan
    rows = pl.DataFrame(
        {
            **dict.fromkeys(SCHEMA),
            "path": [str(path) for path in paths],
            "label": [CLASSES[i] for i in target],
            "group": [f"{name} {i // 2}" for i in range(n)],
            "source": [f"{name} {i % 2}" for i in range(n)],
            "width": [20] * n, "height": [24] * n, "sha256": [f"{i:064x}" for i in range(n)], "split": ["test"] * n,
            "error": [f"{path}: damaged {name}" if i == 7 else None for i, path in enumerate(paths)],
        },
        schema=SCHEMA,
    )  # fmt: skip
    card = ModelCard(labels, "sequential", CropSpec(16), Preprocess(), files={"model.onnx": "ab" * 32})
    options = {"history": history(), "split_check": {"by": "random", "groups": 2, "duplicates": 0}} | options
    facts = facts_table(
        [FaceFacts(20, rng.uniform(0, 0.8), 90, math.nan if i % 9 == 0 else 4 * i - 80, None) for i in range(n)]
    )
    return evaluate(Predictions(rows, labels, probabilities, facts), card, name=title, **options)


def numbers(node: Any) -> list[float]:
    """Every number in a JSON."""
    if isinstance(node, dict | list):
        return [n for child in (node.values() if isinstance(node, dict) else node) for n in numbers(child)]
    return [float(node)] if isinstance(node, int | float) else []


def test_a_report_is_three_files_that_agree(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    page = write_report(evaluation, tmp_path / "new" / "out")
    assert sorted(p.name for p in page.parent.iterdir()) == ["predictions.csv", "report.html", "report.json"]
    content = json.loads((page.parent / "report.json").read_text())
    assert content == evaluation.to_json()
    assert pl.read_csv(page.parent / "predictions.csv").height == content["data"]["rows"] == 40


def test_every_key_stands_in_the_reference(tmp_path: Path) -> None:
    content = sample(tmp_path).to_json()
    described = set(re.findall(r"^\| `(\w+)` \|", REFERENCE.read_text().split("## predictions.csv")[0], re.MULTILINE))
    assert content.keys() == described
    text = REFERENCE.read_text()
    inner = [*content["model"], *content["data"], *content["per_class"]["masked"], *content["interval_method"]]
    inner += [*content["uncertain"], *content["mistakes"], *content["mistakes"]["shown"][0], *content["split_check"]]
    assert [key for key in inner if f"`{key}`" not in text] == []


def test_every_column_stands_in_the_reference(tmp_path: Path) -> None:
    text = REFERENCE.read_text().split("## predictions.csv")[1].split("## ")[0]
    assert [c for c in sample(tmp_path).predictions.table().columns if f"`{c}`" not in text] == []


def test_the_page_reaches_for_nothing(tmp_path: Path) -> None:
    """No script, no style sheet, no font, no picture from elsewhere; its own policy forbids them besides."""
    plot = Plot()
    plot.add_subplot().plot([1, 2])
    text = render(sample(tmp_path), figures={"sizes": plot})
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video"} & {
        t for t, _ in page.tags
    }
    assert not re.search(r"url\(|@import|https?:|//", re.sub(r"data:[\w/+]+;base64,[\w+/=]+", "", text))
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)
    assert "script-src" not in str(policy)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    text = render(sample(tmp_path, name=EVIL, title=EVIL, split=EVIL))
    page = Page(text)
    assert not page.all("script")
    assert "<script" not in text
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert page.text.count("alert(1)") > 30  # names, groups, sources: all there, all harmless


def test_every_share_on_the_page_is_in_the_json(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    shares = [n for n in numbers(evaluation.to_json()) if 0 <= n <= 1]
    ends = {round_(1000 * n + nudge) / 10 for n in shares for round_, nudge in ((math.floor, 1e-9), (math.ceil, -1e-9))}
    known = {percent(n) for n in shares} | {f"{end:.1f}\u00a0%" for end in ends} | {"0\u00a0%", "100\u00a0%"}
    shown = set(re.findall(r"[\d.]+\u00a0%", Page(render(evaluation)).text))
    assert len(shown) > 30
    assert shown <= known


def test_first_come_model_data_figures_sentences_and_warnings(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    content, text = evaluation.to_json(), re.sub(r"[ \n]+", " ", Page(render(evaluation)).text)
    first = text[: text.index("What was called what")]
    for words in (
        "entrance",
        "sequential",
        "39 faces",
        percent(content["accuracy"]["value"]),
        span(content["accuracy"]),
    ):
        assert words in first
    for sentence in (*content["summary"], *content["warnings"]):
        assert sentence in first
    assert any("both sides of the split" in warning for warning in content["warnings"])


def test_the_page_can_be_read_aloud(tmp_path: Path) -> None:
    plot = Plot()
    plot.add_subplot()
    page = Page(render(sample(tmp_path), figures={"sizes of the pictures": plot}))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
    assert page.all("img")
    assert all(img.get("alt") for img in page.all("img"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))
    assert page.all("html") == [{"lang": "en"}]
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {str(a["href"])[1:] for a in page.all("a")} <= targets
    assert page.open == []


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(tmp_path: Path, theme: str) -> None:
    style = render(sample(tmp_path)).split("<style>")[1]
    light, dark = (dict(re.findall(r"--(\w[\w-]*): (#\w{6})", part)) for part in style.split("@media", 2)[:2])
    colours = light | (dark if theme == "dark" else {})
    for text, behind in (
        ("text", "card"),
        ("text", "bg"),
        ("muted", "card"),
        ("muted", "bg"),
        ("accent", "bg"),
        ("text", "warn"),
    ):
        bright, dim = sorted((luminance(colours[text]), luminance(colours[behind])), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, (text, behind)


def test_faces_are_shown_unless_left_out(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    content = evaluation.to_json()
    shown = len(content["mistakes"]["shown"]) + len(content["correct"]["shown"])
    assert len(Page(render(evaluation)).all("img")) == shown > 12
    grid, bars = Plot(), Plot()
    grid.add_subplot().imshow(np.zeros((4, 4, 3), np.uint8))
    bars.add_subplot().bar(["a"], [1])
    plots = {"grid of faces": grid, "bars": bars}
    assert len(Page(render(evaluation, figures=plots)).all("img")) == shown + 2
    without = render(evaluation, pictures=False, figures=plots)
    assert [img["alt"] for img in Page(without).all("img")] == ["bars"]
    assert without.count("picture left out") == shown


def test_a_picture_that_has_gone_leaves_its_place(tmp_path: Path) -> None:
    evaluation = sample(tmp_path)
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert "picture not readable" in render(evaluation)


def test_no_folder_of_the_maker_is_named(tmp_path: Path) -> None:
    page = write_report(sample(tmp_path), tmp_path / "out")
    for file in page.parent.iterdir():
        assert str(tmp_path) not in file.read_text()


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    def plot() -> Plot:
        figure = Plot()
        figure.add_subplot().bar(["a"], [1])
        return figure

    evaluation = sample(tmp_path)
    assert render(evaluation, figures={"a": plot()}) == render(evaluation, figures={"a": plot()})


@pytest.mark.parametrize(
    "options",
    [
        {"history": None, "split_check": None},
        {"labels": ("masked", "unmasked")},
        {"n": 8},
        {"history": history(1)},
        {"history": [{"epoch": 0, "train_loss": 0.0, "train_accuracy": 1.0, "validation_loss": math.inf}]},
    ],
)
def test_pages_of_little_are_whole(tmp_path: Path, options: dict[str, Any]) -> None:
    page = Page(render(sample(tmp_path, **options)))
    assert page.open == []
    assert "nan" not in page.text.split()
    assert "None" not in page.text


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write the report into"):
        write_report(sample(tmp_path), tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.975, "97.5 %"), (0.9996, "99.96 %"), (0.99996, "99.996 %"),
        (0.9999999, "above 99.999 %"), (0.0004, "0.04 %"), (1e-9, "below 0.001 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_to_all_or_none(share: float | None, text: str) -> None:
    assert percent(share).replace("\u00a0", " ") == text


def test_an_interval_is_rounded_outwards() -> None:
    assert span({"value": 0.97, "low": 0.94188, "high": 0.98612}).replace("\u00a0", " ") == "94.1 to 98.7 %"
    assert span({"value": 0.5, "low": 0.3, "high": 0.7}).replace("\u00a0", " ") == "30.0 to 70.0 %"
    assert span({"value": 1.0, "low": 0.0, "high": 1.0}).replace("\u00a0", " ") == "0 to 100 %"
    assert span({"value": None, "low": None, "high": None}) == "not defined"


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.73), (1, 30), (0.97, 1), (1, 2), (0, 12345), (0.5, 0.5)])
def test_marks_are_few_round_and_around(low: float, high: float) -> None:
    marks = charts.marks(low, high)
    assert 2 <= len(marks) <= 9 or low == high
    assert marks[0] <= low + 1e-9
    assert marks[-1] >= high - 1e-9


def test_curves_stay_inside_their_drawing() -> None:
    for chart in charts.history_charts(history(5)):
        for line in chart.lines:
            points = [tuple(float(v) for v in point.split(",")) for point in line.points.split()]
            assert all(charts.LEFT <= x <= charts.WIDTH - charts.RIGHT for x, _ in points)
            assert all(charts.TOP <= y <= charts.HEIGHT - charts.BOTTOM for _, y in points)
    assert [len(line.points.split()) for line in chart.lines] == [5, 5]
