"""An evaluation in the terminal: what report.json holds, in a screenful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

BARS = "▁▂▃▄▅▆▇█"


def print_evaluation(report: Mapping[str, Any], console: Console) -> None:
    """Confusion counts, the figures with their intervals, and what makes them weaker than they look."""
    labels = report["labels"]
    counts = Table("true \\ called", *(f"{label}" for label in labels), "recall (95 % interval)", "precision")
    for label, row in zip(labels, report["confusion"], strict=True):
        figures = report["per_class"][label]
        cells = (str(n) for n in row)
        counts.add_row(label, *cells, figure(figures["recall"]), figure(figures["precision"]))
    console.print(counts)
    console.print(f"accuracy          {figure(report['accuracy'])}   n {report['n']}", markup=False)
    console.print(f"balanced accuracy {figure(report['balanced_accuracy'])}", markup=False)
    console.print(f"calibration error {figure(report['calibration']['ece_after'])}", markup=False)
    for name, point in report["operating_points"].items():
        told = ", ".join(f"{key} {figure(point[key])}" for key in ("decided", "error", "passed", "alarmed"))
        console.print(f"{name:<17} {told}", markup=False)
    console.print(report["slices"]["sentence"], markup=False)
    if report["not_a_face"]:
        console.print(report["not_a_face"]["sentence"], markup=False)
    for warning in report["warnings"]:
        console.print(f"[yellow]![/] {warning}")


def figure(value: Mapping[str, Any]) -> str:
    """`0.957 (0.921-0.978)`, or a dash where nothing was tested."""
    if value["value"] is None:
        return "–"
    return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})"


def print_curves(history: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Loss and accuracy over the epochs, one line each."""
    for key in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"):
        values = [float(row[key]) for row in history if row[key] is not None]
        if values:
            line = f"{key.replace('_', ' '):<20} {spark(values)}  {values[0]:.3f} → {values[-1]:.3f}"
            console.print(line, markup=False)


def spark(values: Sequence[float]) -> str:
    """A curve as a row of bars, from its own lowest to its own highest value."""
    low, high = min(values), max(values)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in values)
