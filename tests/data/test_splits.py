from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.data.manifest import SCHEMA, SPLITS, Manifest
from maskwise.data.splits import LEFT_OUT, split, straddling
from maskwise.data.together import PAIRS
from maskwise.errors import ConfigError, DataError


def manifest(rows: list[dict[str, Any]]) -> Manifest:
    """A manifest from what matters in each row; every row is a picture of its own unless it says otherwise."""
    full = [
        {"path": f"/data/{i:05d}.jpg", "sha256": f"{i:064x}", "source": "s", "width": 9, "height": 9} | row
        for i, row in enumerate(rows)
    ]
    table = pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in full], schema=SCHEMA)
    return Manifest(table)


def plain(masked: int, unmasked: int, incorrect: int = 0) -> Manifest:
    return manifest(
        [{"label": "masked"}] * masked + [{"label": "unmasked"}] * unmasked + [{"label": "incorrect"}] * incorrect
    )


def counts(m: Manifest) -> dict[tuple[str, str], int]:
    return dict(Counter(m.usable.select("split", "label").rows()))


def test_the_study_s_split() -> None:
    got = counts(split(plain(2866, 1743), by="random", validation=1000))
    assert got[("validation", "masked")] + got[("validation", "unmasked")] == 1000
    assert got[("train", "masked")] + got[("train", "unmasked")] == 3609
    assert got[("validation", "masked")] == round(1000 * 2866 / 4609)


@pytest.mark.parametrize("by", ["random", "group"])
@pytest.mark.parametrize(
    ("validation", "test", "expected"),
    [
        (0.2, 0.0, (80, 20, 0)),
        (0.2, 0.1, (70, 20, 10)),
        (30, 10, (60, 30, 10)),
        (0, 0, (100, 0, 0)),
        (0.25, 5, (70, 25, 5)),
    ],
)
def test_counts_and_shares(by: Any, validation: float, test: float, expected: tuple[int, ...]) -> None:
    got = split(plain(60, 40), by=by, validation=validation, test=test).rows["split"].to_list()
    assert tuple(got.count(name) for name in SPLITS) == expected


@pytest.mark.parametrize("by", ["random", "group"])
def test_every_class_keeps_its_share(by: Any) -> None:
    got = counts(split(plain(600, 300, 100), by=by, validation=0.2, test=0.1))
    assert got == {
        ("train", "masked"): 420, ("train", "unmasked"): 210, ("train", "incorrect"): 70,
        ("validation", "masked"): 120, ("validation", "unmasked"): 60, ("validation", "incorrect"): 20,
        ("test", "masked"): 60, ("test", "unmasked"): 30, ("test", "incorrect"): 10,
    }  # fmt: skip


def test_what_is_not_a_face_is_divided_like_a_class() -> None:
    rows = [{"label": label} for label in ["masked"] * 60 + ["unmasked"] * 40 + ["not_a_face"] * 20]
    got = counts(split(manifest(rows), by="group", validation=0.2))
    assert (got[("train", "not_a_face")], got[("validation", "not_a_face")]) == (16, 4)


def test_a_rare_class_is_not_rounded_away() -> None:
    got = counts(split(plain(1000, 1000, 3), by="random", validation=0.1))
    assert got[("validation", "incorrect")] == 1
    assert sum(n for (name, _), n in got.items() if name == "validation") == 200


ROW = st.fixed_dictionaries(
    {
        "label": st.sampled_from(["masked", "unmasked"]),
        "group": st.none() | st.sampled_from([f"g{i}" for i in range(12)]),
        "source": st.sampled_from(["a", "b"]),
        "sha256": st.integers(0, 60).map(lambda i: f"{i:064x}"),
        "path": st.integers(0, 60).map(lambda i: f"/data/{i}.jpg"),
    }
)


def reach(rows: list[dict[str, Any]]) -> list[set[int]]:
    """What belongs together, found by walking from row to row."""

    def related(a: dict[str, Any], b: dict[str, Any]) -> bool:
        same_group = a["group"] is not None and (a["source"], a["group"]) == (b["source"], b["group"])
        return same_group or a["sha256"] == b["sha256"] or a["path"] == b["path"]

    left, found = set(range(len(rows))), []
    while left:
        front = [left.pop()]
        whole = set(front)
        while front:
            here = front.pop()
            near = {other for other in left if related(rows[here], rows[other])}
            left -= near
            whole |= near
            front += near
        found.append(whole)
    return found


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(ROW, min_size=10, max_size=60), seed=st.integers(0, 5))
def test_what_belongs_together_stays_together(rows: list[dict[str, Any]], seed: int) -> None:
    whole = manifest(rows)
    try:
        got = split(whole, validation=0.3, seed=seed)
    except DataError:
        return
    sides = got.rows["split"].to_list()
    assert all(len({sides[i] for i in together}) == 1 for together in reach(rows))
    assert straddling(got).height == 0
    assert got.rows.drop("split").equals(whole.rows.drop("split"))


def people(seed: int = 0, number: int = 400) -> Manifest:
    """Few people with many pictures and many with few, as data sets have them."""
    rng = np.random.default_rng(seed)
    return manifest(
        [
            {"label": rng.choice(["masked", "masked", "unmasked", "incorrect"]), "group": f"p{person}"}
            for person in range(number)
            for _ in range(int(rng.zipf(1.7)) % 60 + 1)
        ]
    )


@pytest.mark.parametrize("seed", range(5))
def test_group_comes_near_the_wanted_counts(seed: int) -> None:
    whole = people(seed)
    got = counts(split(whole, validation=0.2, test=0.1, seed=seed))
    for label in whole.labels:
        total = sum(n for (_, name), n in got.items() if name == label)
        for name, share in (("train", 0.7), ("validation", 0.2), ("test", 0.1)):
            assert abs(got[(name, label)] / total - share) < 0.01


@pytest.mark.parametrize("by", ["random", "group"])
def test_the_same_lot_whatever_the_order_and_the_folder(by: Any) -> None:
    whole = people()
    renamed = pl.Series("path", [f"/mnt/other disk/{99999 - i}.jpg" for i in range(whole.rows.height)])
    moved = Manifest(whole.rows.with_columns(renamed).sample(fraction=1, shuffle=True, seed=3))
    first, second = split(whole, by=by, seed=7), split(moved, by=by, seed=7)
    order = ["sha256"]
    assert first.rows.sort(order)["split"].to_list() == second.rows.sort(order)["split"].to_list()
    assert second.rows.drop("split").equals(moved.rows.drop("split")), "rows keep their order"


def test_the_lot_is_the_same_on_every_machine() -> None:
    """If this fails after an upgrade of numpy, its generator has changed: old splits can no longer be drawn again."""
    rows = [{"label": ("masked", "unmasked")[i % 2], "group": f"p{i * i % 23}"} for i in range(200)]
    got = split(manifest(rows), seed=11).rows.filter(pl.col("split") == "validation")
    assert got["group"].unique().sort().to_list() == ["p0", "p12", "p16"]


@pytest.mark.parametrize("by", ["random", "group"])
def test_another_seed_is_another_lot(by: Any) -> None:
    first, second = (split(people(), by=by, seed=seed).rows["split"].to_list() for seed in (0, 1))
    assert first != second


def test_rows_with_an_error_get_no_split() -> None:
    whole = manifest([{"label": "masked"}, {"label": "unmasked"}] * 20 + [{"label": None, "error": "broken"}] * 3)
    got = split(whole, validation=0.5).rows
    assert got.filter(pl.col("error").is_not_null())["split"].null_count() == 3
    assert got.filter(pl.col("error").is_null())["split"].null_count() == 0


def test_a_class_of_two_large_groups_is_on_both_sides() -> None:
    rows = [{"label": "unmasked", "group": f"g{i % 2}"} for i in range(40)] + [{"label": "masked"}] * 100
    got = counts(split(manifest(rows), validation=0.1))
    assert got[("validation", "unmasked")] == 20
    assert got[("train", "unmasked")] == 20


def test_a_class_that_cannot_be_parted_is_told_with_numbers() -> None:
    rows = [{"label": "unmasked", "group": "one"}] * 30 + [{"label": "masked"}] * 100
    with pytest.raises(DataError, match="no unmasked: there are 30 of it among 130 usable rows and groups may not"):
        split(manifest(rows), validation=0.2)


@pytest.mark.parametrize(("validation", "test"), [(100, 0), (0.5, 0.5), (50, 50), (1000, 0), (0.9, 20)])
def test_splits_larger_than_the_data(validation: float, test: float) -> None:
    with pytest.raises(DataError, match="there are 100 usable rows"):
        split(plain(60, 40), by="random", validation=validation, test=test)


@pytest.mark.parametrize("amount", [-1, -0.1, 1.5, float("nan")])
def test_an_amount_that_is_none(amount: float) -> None:
    with pytest.raises(ConfigError, match="neither a count of rows"):
        split(plain(60, 40), validation=amount)


def test_an_unknown_way() -> None:
    with pytest.raises(ConfigError, match="'person' is not known; use one of random, group, source, given"):
        split(plain(60, 40), by="person")  # type: ignore[arg-type]


def test_given_splits_are_kept_or_told() -> None:
    whole = manifest([{"label": "masked", "split": "train"}, {"label": "unmasked", "split": "validation"}])
    assert split(whole, by="given").rows.equals(whole.rows)
    with pytest.raises(DataError, match="1 of 2 usable rows have no split"):
        split(manifest([{"label": "masked", "split": "train"}, {"label": "unmasked"}]), by="given")
    with pytest.raises(DataError, match="none of 1 usable rows is in train"):
        split(manifest([{"label": "masked", "split": "test"}]), by="given")


def test_straddling_tells_each_kind() -> None:
    same = "f" * 64
    got = straddling(
        manifest(
            [
                {"label": "masked", "group": "anna", "split": "train"},
                {"label": "masked", "group": "anna", "split": "validation"},
                {"label": "masked", "group": "anna", "split": "validation", "source": "other"},
                {"label": "masked", "sha256": same, "split": "train"},
                {"label": "masked", "sha256": same, "split": "test"},
                {"label": "masked", "path": "/p.jpg", "sha256": "e" * 64, "split": "train"},
                {"label": "masked", "path": "/p.jpg", "sha256": "e" * 64, "split": "validation"},
                {"label": "masked", "split": "train"},
                {"label": "masked", "group": "anna", "error": "broken"},
            ]
        )
    )
    assert got.rows() == [
        ("group", "s", "anna", 2, "train,validation"),
        ("copy", "s", same, 2, "test,train"),
        ("picture", "s", "/p.jpg", 2, "train,validation"),
    ]


def test_random_flatters_and_group_does_not() -> None:
    whole = people()
    assert straddling(split(whole, by="random")).height > 50
    assert straddling(split(whole, by="group")).height == 0


# --- by source, by size, around near-duplicates and rendered pictures -------------------------------------------------


def three_sources() -> Manifest:
    return manifest(
        [
            {"label": label, "source": source}
            for source in ("north", "south", "west")
            for label in ("masked", "unmasked")
        ]
        * 20
    )


def pairs(*ends: tuple[int, int], kind: str = "twin") -> pl.DataFrame:
    rows = [(kind, f"{a:064x}", f"{b:064x}", None, False) for a, b in ends]
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


def test_by_source_tests_on_that_source_and_on_nothing_else() -> None:
    drawn = split(three_sources(), by="source", test="south", validation=0.25).usable
    assert set(drawn.filter(pl.col("split") == "test")["source"]) == {"south"}
    assert set(drawn.filter(pl.col("source") == "south")["split"]) == {"test"}
    assert drawn["split"].to_list().count("validation") == 20


def test_by_source_leaves_out_what_the_tested_source_knows() -> None:
    data = three_sources()
    south, north = data.rows["source"].to_list().index("south"), data.rows["source"].to_list().index("north")
    drawn = split(data, by="source", test="south", pairs=pairs((north, south)))
    row = drawn.rows.row(north, named=True)
    assert row["split"] is None
    assert row["error"].startswith(LEFT_OUT)
    assert drawn.usable.height == data.usable.height - 1
    # Another split takes it in again.
    assert split(drawn, by="group").usable.height == data.usable.height


@pytest.mark.parametrize(
    ("test", "by", "error", "says"),
    [
        ("east", "source", ConfigError, "test 'east' is not one of the sources north, south, west"),
        (0.2, "source", ConfigError, "test 0.2 is not one of the sources"),
        ("south", "group", ConfigError, "test 'south' is neither a count of rows"),
    ],
)
def test_a_source_has_to_be_named_and_known(test: Any, by: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        split(three_sources(), by=by, test=test)


def test_one_source_alone_cannot_be_left_out() -> None:
    with pytest.raises(DataError, match="there is only s; add a data set from elsewhere"):
        split(plain(10, 10), by="source", test="s")


@pytest.mark.parametrize("by", ["random", "group"])
def test_every_size_of_face_is_in_every_split(by: Any) -> None:
    sizes = [20] * 30 + [50] * 60 + [100] * 90 + [400] * 120
    data = manifest([{"label": label, "width": w, "height": w} for w in sizes for label in ("masked", "unmasked")])
    drawn = split(data, by=by, validation=0.2, test=0.1).usable
    for width, total in ((20, 60), (50, 120), (100, 180), (400, 240)):
        of_size = drawn.filter(pl.col("width") == width)["split"].to_list()
        assert of_size.count("validation") == pytest.approx(0.2 * total, abs=1)
        assert of_size.count("test") == pytest.approx(0.1 * total, abs=1)


@given(ends=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=40), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_no_pair_ever_straddles(ends: list[tuple[int, int]], seed: int) -> None:
    found = pairs(*ends)
    try:
        drawn = split(plain(30, 30), by="group", validation=0.3, seed=seed, pairs=found)
    except DataError:  # all of a class hangs together: nothing can be parted
        return
    assert straddling(drawn, found).height == 0
    side = dict(enumerate(drawn.rows["split"]))
    assert all(side[a] == side[b] for a, b in ends)


def test_straddling_counts_pairs_of_a_split_that_did_not_know_them() -> None:
    data = manifest([{"label": "masked", "split": name} for name in ("train", "test", "train")])
    found = straddling(data, pl.concat([pairs((0, 1)), pairs((0, 2)), pairs((1, 2), kind="scene")]))
    assert sorted(found["kind"]) == ["scene", "twin"]
    assert found["splits"].to_list() == ["test,train", "test,train"]


def with_rendered(made_from: int = 1) -> Manifest:
    real = [{"label": label} for label in ("masked", "unmasked") * 20]
    rendered = [
        {"label": "incorrect", "provenance": "rendered", "origin": f"{i:064x}"}
        for i in range(1, 40, 2)
        for _ in range(made_from)
    ]
    return manifest([*real, *rendered])


@pytest.mark.parametrize("by", ["random", "group"])
def test_rendered_pictures_are_never_tested_on_unless_asked(by: Any) -> None:
    data = with_rendered()
    drawn = split(data, by=by, validation=0.2, test=0.2)
    rendered = drawn.rows.filter(pl.col("provenance") == "rendered")
    assert set(rendered["split"].drop_nulls()) == {"train"}
    evaluated = set(drawn.usable.filter(pl.col("split") != "train")["sha256"])
    for row in rendered.iter_rows(named=True):
        assert (row["split"] is None) == (row["origin"] in evaluated)
        assert (row["error"] is None) == (row["split"] is not None)
    asked = split(data, by=by, validation=0.2, test=0.2, rendered_in_test=True)
    assert asked.usable.height == data.usable.height
    assert "test" in set(asked.rows.filter(pl.col("provenance") == "rendered")["split"])


@pytest.mark.parametrize("by", ["random", "group"])
def test_data_that_evaluates_on_everything_leaves_nothing_to_train_on(by: Any) -> None:
    rows = [{"label": ("masked", "unmasked")[i % 2], "split": "test"} for i in range(8)]
    with pytest.raises(DataError, match="there are 0 usable rows, and some must be left for train"):
        split(manifest(rows), by=by, validation=0.25, keep_given=True)


@pytest.mark.parametrize("by", ["random", "group"])
def test_what_the_data_evaluates_on_can_be_kept_and_only_the_rest_is_divided(by: Any) -> None:
    given = ["test"] * 20 + ["validation"] * 10
    rows = [{"label": ("masked", "unmasked")[i % 2], "split": given[i] if i < 30 else None} for i in range(110)]
    for i, group in ((3, "tested"), (50, "tested"), (25, "validated"), (60, "validated")):
        rows[i] |= {"group": group}
    got = split(manifest(rows), by=by, validation=0.25, keep_given=True).rows
    assert got["split"][:30].to_list() == given
    assert "test" not in got["split"][30:].to_list()
    lots = 80 if by == "random" else 78
    assert got["split"][30:].to_list().count("validation") == round(0.25 * lots)
    if by == "group":
        for i in (50, 60):
            assert (got["split"][i], str(got["error"][i]).startswith(LEFT_OUT)) == (None, True)
    assert "test" not in split(manifest(rows), by=by, validation=0.25).rows["split"].to_list()
