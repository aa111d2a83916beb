from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from maskwise.data.audit.look import FACE
from maskwise.data.audit.quality import FLAGS, flag
from maskwise.data.manifest import SCHEMA


def flags(row: dict[str, Any] | None = None, face: dict[str, Any] | None = None, found: int = 1) -> list[str]:
    full = {"path": "/d/a.jpg", "width": 100, "height": 110, "label": "masked"} | (row or {})
    rows = pl.DataFrame([{name: full.get(name) for name in SCHEMA}], schema=SCHEMA)
    record = np.zeros(1, FACE)
    for name, value in (
        {"sharpness": 0.5, "brightness": 120, "found": True, "histogram": 1 / 64} | (face or {})
    ).items():
        record[name] = value
    return flag(rows, record, pl.Series([found]))["flag"].to_list()


BOX = {"x_min": 10.0, "y_min": 10.0, "x_max": 50.0, "y_max": 60.0}


@pytest.mark.parametrize(
    ("row", "face", "found", "expected"),
    [
        ({}, {}, 1, []),
        ({"width": 20, "height": 22}, {}, 1, ["tiny"]),
        (BOX | {"x_max": 30.0, "y_max": 40.0}, {}, 1, ["tiny"]),
        ({"width": 400}, {}, 1, ["odd_shape"]),
        ({}, {"sharpness": 0.02}, 1, ["blurred"]),
        ({}, {"brightness": 12}, 1, ["dark"]),
        ({}, {"brightness": 250}, 1, ["bright"]),
        ({}, {"found": False}, 0, ["no_face"]),
        ({}, {}, 3, ["several_faces"]),
        (BOX, {}, 3, []),  # a scene has several faces by right
        ({}, {"found": False}, -1, []),  # the detector was not asked
        ({}, {"histogram": 0, "sharpness": 0, "brightness": 0, "found": False}, -1, ["unreadable"]),
    ],
)
def test_flags(row: Any, face: Any, found: int, expected: list[str]) -> None:
    assert flags(row, face, found) == expected
    assert set(expected) <= set(FLAGS)
