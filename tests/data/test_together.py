from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from maskwise.data.audit import leaks
from maskwise.data.manifest import SCHEMA, Manifest
from maskwise.data.together import PAIRS, belonging, copies, load_pairs, pairs_of, with_groups
from maskwise.errors import DataError


def manifest(*rows: dict[str, Any]) -> Manifest:
    full = [
        {"path": f"/d/{i}.jpg", "sha256": f"{i}", "source": "s", "label": "masked", "width": 9, "height": 9} | row
        for i, row in enumerate(rows)
    ]
    return Manifest(pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in full], schema=SCHEMA))


def pairs(*rows: tuple[str, str, str]) -> pl.DataFrame:
    table = [(kind, a, b, 1.0 if kind != "scene" else None, False) for kind, a, b in rows]
    return pl.DataFrame(table, schema=PAIRS, orient="row")


def parts(numbers: Any) -> list[list[int]]:
    return sorted(np.flatnonzero(numbers == n).tolist() for n in np.unique(numbers))


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        ([{}, {}, {}], [], [[0], [1], [2]]),
        ([{"group": "a"}, {}, {"group": "a"}], [], [[0, 2], [1]]),
        ([{"group": "a"}, {"group": "a", "source": "t"}], [], [[0], [1]]),  # the same name elsewhere is somebody else
        ([{"sha256": "x"}, {"sha256": "x"}, {}], [], [[0, 1], [2]]),
        ([{"path": "/d/p"}, {"path": "/d/p"}, {}], [], [[0, 1], [2]]),
        ([{}, {}, {}], [("twin", "0", "2")], [[0, 2], [1]]),
        ([{}, {"source": "t"}, {}], [("scene", "0", "1")], [[0, 1], [2]]),
        ([{}, {}, {}, {}], [("twin", "0", "1"), ("scene", "1", "3")], [[0, 1, 3], [2]]),
        ([{}, {"origin": "0"}, {"origin": "0"}, {}], [], [[0, 1, 2], [3]]),
        ([{}, {"origin": "9"}, {}], [("twin", "1", "2")], [[0], [1, 2]]),
    ],
)
def test_what_hangs_together(rows: Any, given: Any, expected: Any) -> None:
    assert parts(belonging(manifest(*rows).usable, pairs(*given))) == expected


def test_groups_get_the_data_s_own_names_first_and_numbers_else() -> None:
    data = manifest({"group": "anna"}, {}, {}, {}, {}, {"error": "broken", "group": "x"})
    named = with_groups(data, pairs(("twin", "0", "1"), ("scene", "2", "3")))
    assert named.rows["group"].to_list()[:2] == ["anna", "anna"]
    assert named.rows["group"][2] == named.rows["group"][3]
    assert named.rows["group"][2].startswith("together-")
    assert named.rows["group"].to_list()[4:] == [None, "x"]
    assert named.rows.drop("group").equals(data.rows.drop("group"))


def test_several_boxes_of_one_picture_alone_are_no_new_group() -> None:
    data = manifest({"sha256": "x", "path": "/d/p"}, {"sha256": "x", "path": "/d/p"})
    assert with_groups(data, pairs()).rows["group"].to_list() == [None, None]


def test_copies_are_contents_under_several_paths() -> None:
    data = manifest({"sha256": "x"}, {"sha256": "x"}, {"sha256": "y", "path": "/d/p"}, {"sha256": "y", "path": "/d/p"})
    assert copies(data)["sha256_a"].to_list() == ["x"]


def test_a_pair_found_twice_is_named_once() -> None:
    table = pl.DataFrame({"sha256": ["x", "y", "z"]})
    twins = pl.DataFrame({"a": [0], "b": [1], "similarity": [0.9], "mirrored": [True]}).cast({"similarity": pl.Float32})
    scenes = pl.DataFrame({"a": [0, 1], "b": [1, 2], "inliers": [30, 9]})
    found = pairs_of(table, twins, scenes)
    assert found.select("kind", "sha256_a", "sha256_b").rows() == [("scene", "y", "z"), ("twin", "x", "y")]


def test_pairs_are_read_back_and_anything_else_is_refused(tmp_path: Path) -> None:
    written = pairs(("twin", "a", "b"))
    written.with_columns(more=pl.lit(1)).write_parquet(tmp_path / "pairs.parquet")
    assert load_pairs(tmp_path / "pairs.parquet").equals(written)
    with pytest.raises(DataError, match=r"cannot read the pairs .*: No such file"):
        load_pairs(tmp_path / "missing.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"holds no pairs .*give the pairs.parquet"):
        load_pairs(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(DataError, match="holds no pairs"):
        load_pairs(tmp_path / "text.parquet")


SPLIT = [
    {"split": "train"}, {"split": "train", "group": "anna"}, {"split": "train", "sha256": "copy"},
    {"split": "test"}, {"split": "test", "group": "anna"}, {"split": "test", "sha256": "copy"}, {"split": "test"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "same", "near"),
    [
        ([], 1, 2),
        ([("twin", "0", "3")], 2, 3),
        ([("twin", "3", "0")], 2, 3),
        ([("scene", "0", "6")], 1, 3),
        ([("twin", "3", "6")], 1, 2),  # both are tested: nothing leaks
    ],
)
def test_a_leak_is_a_tested_face_that_train_knows(given: Any, same: int, near: int) -> None:
    rows, found = manifest(*SPLIT).usable, pairs(*given)
    figures = leaks.of_splits(rows, found, belonging(rows, found))["test"]
    assert figures["same_picture"]["n"] == 4
    assert figures["same_picture"]["value"] == pytest.approx(same / 4)
    assert figures["same_shooting_or_group"]["value"] == pytest.approx(near / 4)


def test_without_a_split_nothing_leaks_yet() -> None:
    rows = manifest({}, {}).usable
    assert leaks.of_splits(rows, pairs(), np.arange(2)) == {}


@pytest.mark.parametrize(
    ("together", "expected"),
    [([0, 1, 2, 3], 0.0), ([0, 0, 1, 2], 0.4), ([0, 0, 0, 0], 1 - 0.2**3), ([], 0.0)],
)
def test_what_a_random_split_would_leak(together: list[int], expected: float) -> None:
    assert leaks.expected(np.array(together, np.int64)) == pytest.approx(expected)


def test_what_a_random_split_would_leak_agrees_with_drawing_one() -> None:
    together = np.repeat([0, 1, 2, 3, 4, 5], [1, 1, 2, 3, 5, 8])
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(4000):
        test = rng.random(len(together)) < leaks.TEST_SHARE
        shares.append((test & np.isin(together, together[~test])).sum() / leaks.TEST_SHARE / len(together))
    assert leaks.expected(together) == pytest.approx(np.mean(shares), abs=0.02)


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        ([{}, {}], [("twin", "0", "1")], [False]),
        ([{}, {"label": "unmasked"}], [("twin", "0", "1")], [True]),
        ([{"sha256": "x"}, {"sha256": "x", "label": "unmasked"}], [("copy", "x", "x")], [True]),
        ([{"sha256": "x"}, {"sha256": "x"}], [("copy", "x", "x")], [False]),
        # Two faces in one picture with two labels do not contradict each other, nor does a whole copy of both.
        (
            [{"sha256": "x", "path": p, "label": label} for p in ("/a", "/b") for label in ("masked", "unmasked")],
            [("copy", "x", "x")],
            [False],
        ),
    ],
)
def test_contradicting_labels(rows: Any, given: Any, expected: list[bool]) -> None:
    described = leaks.described(pairs(*given), manifest(*rows).usable)
    assert described["contradicts"].to_list() == expected
