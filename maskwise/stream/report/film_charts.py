"""The drawings of a film report as plain geometry: shares over time, people over time, one person's spells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from maskwise.stream.report.strips import Spell
from maskwise.stream.report.timeline import VERDICTS

WIDTH, HEIGHT = 1000, 100
"""Of a drawing, in units of its own; it is stretched to the page."""

DRAWN = 150
"""Bins of a timeline, at most: on a telephone each is still two pixels wide."""

COLUMNS = 100
"""Events of one kind nearer together than this part of the film share a mark."""

TICKS = 6
HOUR_S, DAY_S = 3600, 86400
STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, HOUR_S, 2 * HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S)


def clock(time_s: float, end_s: float) -> str:
    """A time of a film as minutes and seconds; with hours or tenths where the film is long or short."""
    if end_s < 60:
        return f"0:{int(10 * time_s + 1e-6) / 10:04.1f}"
    minutes, seconds = divmod(round(time_s), 60)
    if end_s < HOUR_S:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def lasting(seconds: float | None) -> str:
    """A duration in words."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    if seconds < HOUR_S:
        return f"{seconds / 60:.1f}\N{NO-BREAK SPACE}min"
    return f"{seconds / HOUR_S:.1f}\N{NO-BREAK SPACE}h"


def ticks(end_s: float) -> list[dict[str, Any]]:
    """Round times along the film: `at` in percent of it, and `text`."""
    if end_s <= 0:
        return [{"at": 0.0, "text": clock(0, 0)}]
    step = next((step for step in STEPS_S if end_s / step <= TICKS), STEPS_S[-1])
    times = [i * step for i in range(int(end_s / step) + 1)][: 10 * TICKS]
    return [{"at": round(100 * time / end_s, 2), "text": clock(time, end_s)} for time in times]


def coarser(timeline: dict[str, Any], most: int = DRAWN) -> dict[str, Any]:
    """The same timeline with bins joined by pairs until there are few enough to be told apart."""
    while len(timeline["most_at_once"]) > most:
        timeline = {
            "bin_s": 2 * timeline["bin_s"],
            "seconds": {name: [sum(pair) for pair in _pairs(row)] for name, row in timeline["seconds"].items()},
            "most_at_once": [max(pair) for pair in _pairs(timeline["most_at_once"])],
            "events": {name: [sum(pair) for pair in _pairs(row)] for name, row in timeline["events"].items()},
        }
    return timeline


def _pairs(row: Sequence[Any]) -> list[Sequence[Any]]:
    return [row[i : i + 2] for i in range(0, len(row), 2)]


def shares(timeline: dict[str, Any], end_s: float) -> dict[str, str]:
    """An SVG path for each verdict: its share of those in sight, one upon the other, nothing where nobody was."""
    columns = list(zip(*(timeline["seconds"][verdict] for verdict in VERDICTS), strict=True))
    paths = {}
    for i, verdict in enumerate(VERDICTS):
        spans = []
        for seconds in columns:
            all_ = sum(seconds)
            below, own = (sum(seconds[:i]) / all_, seconds[i] / all_) if all_ else (0.0, 0.0)
            spans.append((HEIGHT * (1 - below - own), HEIGHT * own))
        paths[verdict] = _steps(spans, timeline["bin_s"], end_s)
    return paths


def crowd(timeline: dict[str, Any], end_s: float) -> str:
    """An SVG path: the most people in sight at once, the drawing's whole height for the most there ever were."""
    most = max(timeline["most_at_once"], default=0) or 1
    return _steps(
        [(HEIGHT * (1 - people / most), HEIGHT * people / most) for people in timeline["most_at_once"]],
        timeline["bin_s"],
        end_s,
    )


def marks(timeline: dict[str, Any], kind: str, end_s: float) -> list[dict[str, Any]]:
    """Where along the film events of a kind were: `at` in percent, how many, and from when."""
    found: dict[int, dict[str, Any]] = {}
    for i, count in enumerate(timeline["events"][kind]):
        if count:
            share = _share(i * timeline["bin_s"], end_s)
            mark = found.setdefault(
                int(share * COLUMNS), {"at": round(100 * share, 2), "n": 0, "from": clock(i * timeline["bin_s"], end_s)}
            )
            mark["n"] += count
    return list(found.values())


def bars(spells: Iterable[Spell], from_s: float, to_s: float) -> list[dict[str, Any]]:
    """Where between two times one person was what: `x` and `width` in units of WIDTH, never too thin to be seen."""
    drawn = []
    for spell in spells:
        begin, end = (WIDTH * _share(time_s - from_s, to_s - from_s) for time_s in (spell.from_s, spell.to_s))
        drawn.append({"verdict": spell.verdict, "x": round(begin, 1), "width": round(max(end - begin, 1.5), 1)})
    return drawn


def _share(time_s: float, end_s: float) -> float:
    return min(max(time_s / end_s, 0.0), 1.0) if end_s > 0 else 0.0


def _steps(spans: Sequence[tuple[float, float]], bin_s: float, end_s: float) -> str:
    """One rectangle for each run of equal (top, height); nothing where the height is 0."""
    parts, start = [], 0
    rounded = [(round(top, 1), round(height, 1)) for top, height in spans]
    for i in range(1, len(rounded) + 1):
        if i == len(rounded) or rounded[i] != rounded[start]:
            top, height = rounded[start]
            x0, x1 = (round(WIDTH * _share(edge * bin_s, end_s), 1) for edge in (start, i))
            if height > 0 and x1 > x0:
                parts.append(f"M{x0:g} {top:g}H{x1:g}V{top + height:g}H{x0:g}Z")
            start = i
    return "".join(parts)
