"""Which rows the report of one split is about."""

from __future__ import annotations

import pytest

from maskwise.data.manifest import Manifest
from maskwise.data.splits import LEFT_OUT
from maskwise.errors import DataError
from maskwise.training.measure import of_split
from tests.builders import rows_of

ROWS = {
    "tested": ("test", None),
    "trained on": ("train", None),
    "in no split": (None, None),
    "not readable": (None, "is not a picture"),
    "left out of this way of splitting": (None, LEFT_OUT + "it hangs together with a picture that is tested on"),
    "no face found, trained on": ("train", "no face found"),
    "no face found, tested": ("test", "no face found"),
}


def data() -> Manifest:
    splits, errors = zip(*ROWS.values(), strict=True)
    return Manifest(rows_of(len(ROWS), path=list(ROWS), split=list(splits), error=list(errors)))


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("test", ["tested", "not readable", "no face found, tested"]),
        ("train", ["trained on", "not readable", "no face found, trained on"]),
        (None, list(ROWS)),
    ],
)
def test_a_split_is_its_own_rows_and_what_nobody_could_read(split: str | None, told: list[str]) -> None:
    assert of_split(data(), split).rows["path"].to_list() == told


def test_a_split_without_a_usable_row_is_refused() -> None:
    with pytest.raises(DataError, match="no usable rows in the split 'validation'"):
        of_split(data(), "validation")
