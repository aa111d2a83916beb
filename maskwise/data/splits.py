"""Which row is trained on and which is tested on.

`group` keeps whatever belongs together on one side: rows of one person or scene, exact copies, boxes of one picture,
and the near-duplicates and shootings that a search found. `source` tests on one whole source and trains on the others.
`random` does none of that, as the study did not; it shows what that flatters. `given` takes the split that the data
brings.

Rendered pictures are trained on and never tested on, unless asked; those made from a tested picture are left out.

Nothing depends on the order of the rows or on where the data lies: rows are put in order by what they are before any
lot is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX, FACE_SIDE, SPLITS
from maskwise.data.together import PAIRS, belonging
from maskwise.errors import ConfigError, DataError
from maskwise.values import LABELS

By = Literal["random", "group", "source", "given"]
Counts = NDArray[np.int64]

SIZES_PX = (32, 64, 128)
"""Shorter sides of faces between which each split gets its share of every class."""

LEFT_OUT = "left out of this split: "
"""How the error of a row begins that can be used, but not in this split; another split takes it in again."""


def split(
    manifest: Manifest,
    *,
    by: By = "group",
    validation: int | float = 0.2,
    test: int | float | str = 0.0,
    seed: int = 0,
    pairs: pl.DataFrame | None = None,
    rendered_in_test: bool = False,
    keep_given: bool = False,
) -> Manifest:
    """Fill in the column `split`; rows with an error get none.

    Args:
        manifest: at least two classes are of use.
        by: `group`, `source`, `random` or `given`.
        validation: a whole number of rows, or a share below 1.
        test: likewise; 0 makes no test split. With `source`, the name of the source to test on.
        seed: of the lot.
        pairs: near-duplicates and shootings, a table of PAIRS; None knows of none.
        rendered_in_test: let rendered pictures into every split like photographs.
        keep_given: rows that the data marks as `validation` or `test` stay so, and only the others are divided.

    Returns:
        The same rows in the same order. `random` hits the counts exactly, in each class and size in proportion; `group`
        comes as near as whole groups allow.

    Raises:
        ConfigError: an amount that is neither a count nor a share, or a way of splitting that is not known.
        DataError: the splits are larger than the data, leave a class empty, or are not all given; says the counts.
    """
    check_by(by)
    if by == "given":
        return _given(manifest)
    manifest = _taken_in_again(manifest)
    rows = _in_order(manifest)
    together = belonging(rows, pairs if pairs is not None else pl.DataFrame(schema=PAIRS))
    lots = np.ones(rows.height, bool) if rendered_in_test else np.asarray(rows["provenance"].ne_missing("rendered"))
    sides = np.full(rows.height, -1, np.int64)
    for given in ("validation", "test") if keep_given else ():
        sides[np.asarray(rows["split"].eq_missing(given))] = SPLITS.index(given)
    if by == "source":
        sides[_of_source(rows, test)] = SPLITS.index("test")
    lots &= ~np.isin(together, together[sides > 0])  # nor may what hangs together with what is evaluated on be drawn
    if by != "source" and isinstance(test, str):
        raise ConfigError(f"test {test!r} is neither a count of rows (1000) nor a share below 1 (0.2)")
    amounts = {"validation": validation, "test": 0 if isinstance(test, str) else test}
    photographs = rows.filter(pl.Series(lots))
    names = tuple(name for name in LABELS if (photographs["label"] == name).any())  # some are only rendered
    sides[lots] = _drawn(photographs, together[lots], names, by, amounts, seed)
    _follow(sides, together)
    return _with_sides(manifest, rows, sides)


def check_by(by: str) -> None:
    """Refuse a way of splitting that is not known.

    Raises:
        ConfigError: says which are.
    """
    if by not in get_args(By):
        raise ConfigError(f"split by {by!r} is not known; use one of {', '.join(get_args(By))}")


def _drawn(
    rows: pl.DataFrame, together: Counts, names: tuple[str, ...], by: By, amounts: Mapping[str, int | float], seed: int
) -> Counts:
    """(rows,) positions in SPLITS."""
    places = rows["label"].replace_strict(list(names), range(len(names)), return_dtype=pl.Int64)
    labels = np.asarray(places.cast(pl.Int64))  # which polars leaves out where there are no rows
    strata = labels * (len(SIZES_PX) + 1) + _size_bins(rows)
    wanted = _wanted(labels, strata, names, amounts)
    rng = np.random.default_rng(seed)
    sides = _random(strata, wanted, rng) if by == "random" else _grouped(together, strata, wanted, rng)
    _check(sides, labels, _of_classes(wanted), names, by)
    return sides


def _follow(sides: Counts, together: Counts) -> None:
    """Rows that no lot was drawn for are trained on, unless something that they hang together with is tested on."""
    evaluated = np.isin(together, together[sides > 0])
    sides[(sides < 0) & ~evaluated] = 0


def _of_source(rows: pl.DataFrame, test: int | float | str) -> NDArray[np.bool_]:
    """(rows,) whether each is of the source that is tested on."""
    sources = sorted(rows["source"].drop_nulls().unique())
    if test not in sources:
        raise ConfigError(f"split by source: test {test!r} is not one of the sources {', '.join(sources)}; name one")
    if len(sources) < 2:
        raise DataError(f"split by source: there is only {test}; add a data set from elsewhere")
    return np.asarray(rows["source"].eq_missing(pl.Series([str(test)])))


def _size_bins(rows: pl.DataFrame) -> Counts:
    """(rows,) 0 for faces below the first of SIZES_PX, and so on."""
    side_px = rows.select(FACE_SIDE.fill_null(0)).to_series().to_numpy()
    return np.searchsorted(np.array(SIZES_PX), side_px, side="right").astype(np.int64)


def _taken_in_again(manifest: Manifest) -> Manifest:
    """Rows that only an earlier split left out are of use again."""
    left_out = pl.col("error").str.starts_with(LEFT_OUT).fill_null(value=False)
    return Manifest(manifest.rows.with_columns(error=pl.when(~left_out).then("error")))


def straddling(manifest: Manifest, pairs: pl.DataFrame | None = None) -> pl.DataFrame:
    """What belongs together and yet lies in more than one split.

    Args:
        manifest: with splits.
        pairs: near-duplicates and shootings to look at as well, a table of PAIRS.

    Returns:
        One line for each group, content, picture and pair: kind (`group`, `copy`, `picture`, `twin` or `scene`),
        source, key (the group's name, the sha256, or the path), rows, splits (the names, sorted, comma between). A
        `copy` is the same content under two paths. No line means that nothing leaks in these ways.
    """
    rows = manifest.usable.filter(pl.col("split").is_not_null())
    copies = rows.filter(pl.col("path").n_unique().over("sha256") > 1)
    return pl.concat(
        [
            _straddling(rows.filter(pl.col("group").is_not_null()), "group", ["source", "group"], "group"),
            _straddling(copies, "copy", ["sha256"], "sha256"),
            _straddling(rows, "picture", ["path"], "path"),
            _straddling_pairs(rows, pairs if pairs is not None else pl.DataFrame(schema=PAIRS)),
        ]
    )


def _straddling_pairs(rows: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    sides = rows.group_by("sha256").agg(pl.col("source").first(), pl.len().alias("rows"), pl.col("split").unique())
    a, b = (sides.rename({name: f"{name}_{side}" for name in ("source", "rows", "split")}) for side in "ab")
    both = (
        pairs.filter(pl.col("kind") != "copy")
        .join(a, left_on="sha256_a", right_on="sha256")
        .join(b, left_on="sha256_b", right_on="sha256")
        .with_columns(splits=pl.concat_list("split_a", "split_b").list.unique().list.sort())
    )
    return both.filter(pl.col("splits").list.len() > 1).select(
        "kind", pl.col("source_a").alias("source"), pl.col("sha256_a").alias("key"),
        (pl.col("rows_a") + pl.col("rows_b")).alias("rows"), pl.col("splits").list.join(","),
    ).sort("kind", "source", "key")  # fmt: skip


def _straddling(rows: pl.DataFrame, kind: str, by: list[str], key: str) -> pl.DataFrame:
    keys = [pl.col(name).alias(f"by_{name}") for name in by]
    together = rows.group_by(keys).agg(
        pl.lit(kind).alias("kind"),
        pl.col("source").sort().first(),
        pl.col(key).first().alias("key"),
        pl.len().alias("rows"),
        pl.col("split").unique().sort().alias("splits"),
    )
    several = together.filter(pl.col("splits").list.len() > 1).with_columns(pl.col("splits").list.join(","))
    return several.select("kind", "source", "key", "rows", "splits").sort("source", "key")


def _given(manifest: Manifest) -> Manifest:
    usable = manifest.usable
    missing = usable["split"].null_count()
    if missing:
        raise DataError(
            f"split 'given': {missing} of {usable.height} usable rows have no split; fill the column in, "
            "or split by grouped or random"
        )
    if not (usable["split"] == "train").any():
        raise DataError(f"split 'given': none of {usable.height} usable rows is in train; correct the column split")
    return manifest


def _in_order(manifest: Manifest) -> pl.DataFrame:
    """Usable rows in an order that depends on what they are; the path only decides between exact copies."""
    name = pl.col("path").str.split("/").list.last()
    usable = manifest.rows.with_row_index("row").filter(pl.col("error").is_null())
    return usable.sort(pl.col("source"), "sha256", *BOX, "label", "group", name, "path", nulls_last=True)


def _wanted(labels: Counts, strata: Counts, names: tuple[str, ...], amounts: Mapping[str, int | float]) -> Counts:
    """Rows for each of SPLITS and each class and size: (3, classes * sizes)."""
    sizes = len(SIZES_PX) + 1
    have = np.bincount(labels, minlength=len(names))
    have_sizes = np.bincount(strata, minlength=len(names) * sizes).reshape(len(names), sizes)
    counts = {split: _count(split, amount, int(have.sum())) for split, amount in amounts.items()}
    if sum(counts.values()) >= have.sum():
        asked = ", ".join(f"{count} {split}" for split, count in counts.items())
        raise DataError(f"{asked}: more than fits; there are {have.sum()} usable rows, and some must be left for train")
    parts = {split: _shares(_apportion(count, have), have_sizes) for split, count in counts.items()}
    parts["train"] = have_sizes.ravel() - sum(parts.values())
    return np.stack([parts[name] for name in SPLITS])


def _shares(of_class: Counts, have_sizes: Counts) -> Counts:
    """Share each class's count among its sizes: (classes * sizes,)."""
    return np.concatenate([_apportion(int(count), sizes) for count, sizes in zip(of_class, have_sizes, strict=True)])


def _of_classes(wanted: Counts) -> Counts:
    """(splits, classes) of (splits, classes * sizes)."""
    return np.asarray(wanted.reshape(len(wanted), -1, len(SIZES_PX) + 1).sum(axis=2), np.int64)


def _count(split: str, amount: int | float, total: int) -> int:
    if amount < 0 or (isinstance(amount, float) and amount >= 1 and not amount.is_integer()) or amount != amount:
        raise ConfigError(f"{split}: {amount} is neither a count of rows (1000) nor a share below 1 (0.2)")
    if isinstance(amount, float) and amount < 1:
        return round(amount * total)
    return int(amount)


def _apportion(count: int, have: Counts) -> Counts:
    """Share a count among classes in proportion, by largest remainder; no class goes without where it can be helped."""
    exact = count * have / max(int(have.sum()), 1)
    shares = np.floor(exact).astype(np.int64)
    for i in np.argsort(-(exact - shares), kind="stable")[: count - int(shares.sum())]:
        shares[i] += 1
    for i in np.flatnonzero((shares == 0) & (have > 1)):
        if shares.max(initial=0) > 1:
            shares[shares.argmax()] -= 1
            shares[i] += 1
    return shares


def _random(strata: Counts, wanted: Counts, rng: np.random.Generator) -> Counts:
    """Draw each class and size by itself: (rows,), positions in SPLITS."""
    sides = np.zeros(len(strata), np.int64)
    for stratum in range(wanted.shape[1]):
        here = rng.permutation(np.flatnonzero(strata == stratum))
        sides[here] = np.repeat(np.arange(len(SPLITS)), wanted[:, stratum])
    return sides


def _grouped(together: Counts, strata: Counts, wanted: Counts, rng: np.random.Generator) -> Counts:
    """Give whole components to splits, the largest first, each to where it brings the counts nearest to the wanted."""
    _, which = np.unique(together, return_inverse=True)
    table = np.zeros((which.max() + 1, wanted.shape[1]), np.int64)
    np.add.at(table, (which, strata), 1)
    order = rng.permutation(len(table))
    order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]
    sides = _greedy(table, order, wanted)
    _rescue(sides, _of_classes(table), order, _of_classes(wanted))
    return sides[which]


def _greedy(table: Counts, order: Counts, wanted: Counts) -> Counts:
    sides = np.zeros(len(table), np.int64)
    is_open = [s for s in range(len(SPLITS)) if wanted[s].any()]
    weights = 1 / np.maximum(wanted, 1)
    missing = wanted.astype(np.float64)
    for component in order:
        rows = table[component]
        # How the squared distance to the wanted counts changes, each relative to what is wanted there.
        costs = [float(((rows * rows - 2 * rows * missing[s]) * weights[s]).sum()) for s in is_open]
        side = is_open[int(np.argmin(costs))]
        sides[component] = side
        missing[side] -= rows
    return sides


def _rescue(sides: Counts, table: Counts, order: Counts, wanted: Counts) -> None:
    """Where a class is left without rows in a split, move the smallest component that its split can spare there."""
    for side, label in zip(*np.nonzero(wanted), strict=True):
        if table[sides == side, label].any():
            continue
        for component in order[::-1]:
            rest = table[(sides == sides[component]) & (np.arange(len(table)) != component)].sum(axis=0)
            if table[component, label] and (rest[table[component] > 0] > 0).all():
                sides[component] = side
                break


def _check(sides: Counts, labels: Counts, wanted: Counts, names: tuple[str, ...], by: str) -> None:
    """Refuse a split that lacks a class."""
    for side, split in enumerate(SPLITS):
        if split != "train" and not wanted[side].any():
            continue
        for label, name in enumerate(names):
            if not (labels[sides == side] == label).any():
                total = int((labels == label).sum())
                why = " and groups may not be parted" if by != "random" else ""
                raise DataError(
                    f"{split} would have no {name}: there are {total} of it among {len(labels)} usable rows{why}; "
                    f"add pictures of {name}, change the size of the splits, or leave the class out"
                )


def _with_sides(manifest: Manifest, rows: pl.DataFrame, sides: Counts) -> Manifest:
    reason = LEFT_OUT + "it hangs together with a picture that is tested on"
    drawn = rows.select(
        "row",
        pl.Series("drawn", [SPLITS[s] if s >= 0 else None for s in sides], pl.String),
        pl.Series("left", [None if s >= 0 else reason for s in sides], pl.String),
    )
    numbered = manifest.rows.with_row_index("row").join(drawn, on="row", how="left", maintain_order="left")
    told = numbered.with_columns(pl.col("drawn").alias("split"), pl.coalesce("error", "left").alias("error"))
    return Manifest(told.select(manifest.rows.columns))
