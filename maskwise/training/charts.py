"""Line charts as numbers: what the page's template draws as SVG, so that they follow its colours in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40
"""Margins of the plotted area, in the units of the drawing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. name: for the legend. style: CSS class. points: SVG points, `x,y x,y`."""

    name: str
    style: str
    points: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark on an axis. at: position in the drawing. text: what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart, placed and scaled.

    described: the words for who cannot see it.
    diagonal: what a dotted line from corner to corner stands for; none is drawn where it is empty.
    """

    title: str
    x_label: str
    y_label: str
    described: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str = ""


Points = Sequence[tuple[float, float]]


def ranking_charts(content: Mapping[str, Any]) -> list[Chart]:
    """ROC and precision-recall curves of every class that has them."""
    kinds = (
        ("roc", "ROC curve", "false_positive_rate", "true_positive_rate", "roc_auc", "area"),
        ("precision_recall", "Precision and recall", "recall", "precision", "average_precision", "average precision"),
    )
    charts = []
    for key, title, x, y, figure, word in kinds:
        curves = {label: c[key] for label, c in content["curves"].items() if c[key][x]}
        if not curves:
            continue
        values = {label: f"{label} {content['per_class'][label][figure]['value']:.3f}" for label in curves}
        lines = {values[label]: (f"c-{label}", list(zip(c[x], c[y], strict=True))) for label, c in curves.items()}
        described = f"{title}; {word}: {', '.join(values.values())}."
        x_label, y_label = (name.replace("_", " ") for name in (x, y))
        diagonal = "guessing" if key == "roc" else ""
        charts.append(chart(title, x_label, y_label, described, lines, (0, 1), (0, 1), diagonal=diagonal))
    return charts


def confidence_charts(content: Mapping[str, Any]) -> list[Chart]:
    """Reliability diagram and coverage-risk curve."""
    calibration, curve = content["calibration"], content["coverage_risk"]
    lines = {
        f"{name}: {calibration[f'ece_{when}']['value']:.3f}": (
            style,
            [(b["confidence"], b["right"]["value"]) for b in calibration[f"reliability_{when}"]],
        )
        for when, name, style in (("before", "the network's own", "h-train"), ("after", "calibrated", "h-validation"))
    }
    lowest = min(value for _, points in lines.values() for point in points for value in point)
    span = (marks(min(lowest, 0.9), 1)[0], 1.0)  # a model that is always sure and right needs an axis, too
    described = f"Reliability diagram; expected calibration error, {', '.join(lines)}."
    risk = [(coverage, 100 * wrong) for coverage, wrong in zip(curve["coverage"], curve["risk"], strict=True)]
    full, most = (curve[key]["value"] for key in ("risk_at_full", "risk_at_95"))
    told = f"Coverage and risk; {full:.3f} of the answers are wrong at full coverage, {most:.3f} at 95 %."
    top = max(1.0, *(wrong for _, wrong in risk))
    return [
        chart("Reliability", "confidence", "share right", described, lines, span, span, diagonal="calibrated"),
        chart(
            "Coverage and risk", "share of faces answered, the surest first", "% of answers wrong", told,
            {"wrong among the answered": ("h-validation", risk)}, (0, 1), (0, top),
        ),
    ]  # fmt: skip


def history_charts(history: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Loss and accuracy by epoch, for the training and the validation part."""
    charts = []
    for key, title in (("loss", "Loss"), ("accuracy", "Accuracy")):
        lines = {}
        for part in ("train", "validation"):
            known = [(r["epoch"] + 1, r[f"{part}_{key}"]) for r in history if r.get(f"{part}_{key}") is not None]
            if known:
                lines[part] = (f"h-{part}", known)
        if not lines:
            continue
        values = [y for _, points in lines.values() for _, y in points]
        ends = "; ".join(f"{part} ends at {points[-1][1]:.3f}" for part, (_, points) in lines.items())
        span = (0.0, max(values)) if key == "loss" else (min(values), 1.0)
        last = max(len(history), 2)
        charts.append(chart(title, "epoch", key, f"{title} by epoch; {ends}.", lines, (1, last), span, whole=True))
    return charts


def chart(
    title: str,
    x_label: str,
    y_label: str,
    described: str,
    lines: Mapping[str, tuple[str, Points]],
    x_span: tuple[float, float],
    y_span: tuple[float, float],
    *,
    diagonal: str = "",
    whole: bool = False,
) -> Chart:
    """Scale curves into the drawing. lines: name to style and points. whole: the x axis counts."""
    x_marks = [v for v in marks(*x_span) if not whole or v == int(v)]
    y_marks = marks(*y_span)
    y_span = (min(y_span[0], y_marks[0]), max(y_span[1], y_marks[-1]))
    if y_span[0] == y_span[1]:  # a flat line, as of a loss of 0: any height will do
        y_span = (y_span[0], y_span[1] + 1)

    def x(value: float) -> float:
        return round(LEFT + (value - x_span[0]) / (x_span[1] - x_span[0]) * (WIDTH - LEFT - RIGHT), 2)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - y_span[0]) / (y_span[1] - y_span[0]) * (HEIGHT - TOP - BOTTOM), 2)

    return Chart(
        title,
        x_label,
        y_label,
        described,
        tuple(
            Line(name, style, " ".join(f"{x(a)},{y(b)}" for a, b in points)) for name, (style, points) in lines.items()
        ),
        tuple(Tick(x(v), f"{v:g}") for v in x_marks if x_span[0] <= v <= x_span[1]),
        tuple(Tick(y(v), f"{v:g}") for v in y_marks),
        diagonal,
    )


def marks(low: float, high: float) -> list[float]:
    """Round numbers from about low to about high, four to eight of them."""
    width = max(high - low, 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(width))
    step = next(s * magnitude for s in (0.1, 0.2, 0.25, 0.5, 1, 2) if width / (s * magnitude) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]
