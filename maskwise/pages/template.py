"""Templates of pages: where they lie, how they write numbers, and that whatever comes from outside is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from maskwise.model.palette import COLOURS

HERE = Path(__file__).parent


def template(path: Path) -> Template:
    """A page's template; it may include `style.css.jinja`, and knows `colours` and the filters of this module."""
    environment = Environment(
        loader=FileSystemLoader([path.parent, HERE]),
        autoescape=True,  # file names, labels and sources come from anywhere
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, span=span, count=lambda n: f"{n:,}")
    environment.globals["colours"] = COLOURS
    return environment.get_template(path.name)


def percent(share: float | None) -> str:
    """A share in words: one decimal, more where it would else read as all or none, a dash where undefined."""
    if share is None:
        return "–"
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
    for decimals in (1, 2, 3):
        text = f"{100 * share:.{decimals}f}"
        if 0 < float(text) < 100:
            return text + "\N{NO-BREAK SPACE}%"
    return "below 0.001 %" if share < 0.5 else "above 99.999 %"


def span(figure: Mapping[str, Any]) -> str:
    """An interval in words, rounded outwards, so that it never looks narrower than it is."""
    if figure["value"] is None:
        return "not defined"
    low, high = math.floor(figure["low"] * 1000 + 1e-9), math.ceil(figure["high"] * 1000 - 1e-9)
    first, last = (f"{end // 10}" if end in (0, 1000) else f"{end / 10:.1f}" for end in (low, high))
    return f"{first} to {last}\N{NO-BREAK SPACE}%"
