"""Lists of people: what is read, what is refused with its line, and where people are between two rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.stream.measuring.truth import Seen, Spell, Truth, read_truth

HEADER = "time_s,person,x_min,y_min,x_max,y_max,label\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def row(time_s: float, x: float = 0.0, label: str = "masked", person: str = "anna") -> Seen:
    return Seen(time_s, person, np.array([x, 0, x + 10, 10], np.float32), label)


def test_a_list_is_read_whatever_the_order_of_columns_and_rows(tmp_path: Path) -> None:
    text = "\ufeffperson,label,time_s,x_min,y_min,x_max,y_max,note\nb,masked,1,0,0,9,9,x\nb,unmasked,0.5,0,0,9,9,\n"
    truth = read_truth(written(tmp_path, text))
    assert truth.people == ("b",)
    assert truth.spells() == [Spell("b", 0, "unmasked", 0.5, 1.0), Spell("b", 0, "masked", 1.0, 1.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column time_s, person"),
        ("time_s,person,label\n0,a,masked\n", "line 1: no column x_min, y_min, x_max, y_max"),
        (HEADER, "nobody is in it"),
        (HEADER + "0,a,0,0,9,9,masked\nsoon,a,0,0,9,9,masked\n", "line 3: time_s 'soon' is not a number"),
        (HEADER + "0,a,0,0,nan,9,masked\n", "line 2: x_max 'nan' is not a number"),
        (HEADER + "0,a,0,0,9\n", "line 2: y_max None is not a number"),
        (HEADER + "0,a,0,0,9,9,mask\n", "line 2: label 'mask' is not one of masked, incorrect, unmasked"),
        (HEADER + "0,a,0,0,9,9,uncertain\n", "line 2: label 'uncertain'"),
        (HEADER + "-1,a,0,0,9,9,masked\n", "line 2: time_s -1 is below 0"),
        (HEADER + "0,a,9,0,0,9,masked\n", "line 2: box .* inside out"),
        (HEADER + "0,a,0,9,9,9,masked\n", "line 2: box .* empty"),
        (HEADER + "0, ,0,0,9,9,masked\n", "line 2: no person"),
        (HEADER + "0,a,0,0,9,9,masked\n0,b,0,0,9,9,masked\n0.0,a,1,1,9,9,masked\n", "line 4: person a is there twice"),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_truth(written(tmp_path, text))


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00\x80"])
def test_no_file_or_no_text_is_one_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as a list"):
        read_truth(path)


@pytest.mark.parametrize(
    ("time_s", "x", "label"),
    [
        (0.0, 0.0, "masked"),
        (0.25, 25.0, "masked"),
        (0.75, 75.0, "masked"),
        (1.0, 100.0, "unmasked"),
        (1.015, 100.0, "unmasked"),  # a row without another one near: the frame at its time
        (1.2, None, None),  # the next row is two seconds on
        (2.8, None, None),
        (3.0, 300.0, "unmasked"),
        (3.5, None, None),
    ],
)
def test_between_two_rows_the_box_moves_and_the_label_stays(time_s: float, x: float | None, label: str | None) -> None:
    there = Truth([row(3.0, 300, "unmasked"), row(0.0), row(1.0, 100, "unmasked")]).at(time_s)
    assert [(seen.box_xyxy[0], seen.label) for seen in there] == ([] if x is None else [(x, label)])


def test_spells_end_with_the_label_the_stay_or_the_list() -> None:
    truth = Truth([row(t, label="masked" if t < 2 else "unmasked") for t in (0, 1, 2, 3, 10, 10.5)])
    assert truth.spells() == [
        Spell("anna", 0, "masked", 0, 2),
        Spell("anna", 0, "unmasked", 2, 3),
        Spell("anna", 1, "unmasked", 10, 10.5),
    ]
