"""Which row is trained on and which is tested on.

`grouped` keeps whatever belongs together on one side: rows of one person or scene, exact copies, boxes of one picture.
`random` does not, as the study did not; it shows what that flatters. `given` takes the split that the data brings.

Nothing depends on the order of the rows or on where the data lies: rows are put in order by what they are before any
lot is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX, SPLITS
from maskwise.errors import ConfigError, DataError

By = Literal["random", "grouped", "given"]
Counts = NDArray[np.int64]


def split(
    manifest: Manifest,
    *,
    by: By = "grouped",
    validation: int | float = 0.2,
    test: int | float = 0.0,
    seed: int = 0,
) -> Manifest:
    """Fill in the column `split`; rows with an error get none.

    Args:
        manifest: at least two classes are of use.
        by: `grouped`, `random` or `given`.
        validation: a whole number of rows, or a share below 1.
        test: likewise; 0 makes no test split.
        seed: of the lot.

    Returns:
        The same rows in the same order. `random` hits the counts exactly, in each class in proportion; `grouped` comes
        as near as whole groups allow.

    Raises:
        ConfigError: an amount that is neither a count nor a share, or a way of splitting that is not known.
        DataError: the splits are larger than the data, leave a class empty, or are not all given; says the counts.
    """
    if by not in get_args(By):
        raise ConfigError(f"split by {by!r} is not known; use one of {', '.join(get_args(By))}")
    if by == "given":
        return _given(manifest)
    rows = _in_order(manifest)
    codes = rows["label"].replace_strict(list(manifest.labels), range(len(manifest.labels)), return_dtype=pl.Int64)
    labels = codes.to_numpy()
    wanted = _wanted(labels, manifest.labels, {"validation": validation, "test": test})
    rng = np.random.default_rng(seed)
    sides = _random(labels, wanted, rng) if by == "random" else _grouped(_components(rows), labels, wanted, rng)
    _check(sides, labels, wanted, manifest.labels, by)
    return _with_sides(manifest, rows, sides)


def straddling(manifest: Manifest) -> pl.DataFrame:
    """What belongs together and yet lies in more than one split.

    Returns:
        One line for each group, content and picture: kind (`group`, `copy` or `picture`), source, key (the group's
        name, the sha256, or the path), rows, splits (the names, sorted, comma between). A `copy` is the same content
        under two paths. No line means that nothing leaks in these ways.
    """
    rows = manifest.usable.filter(pl.col("split").is_not_null())
    copies = rows.filter(pl.col("path").n_unique().over("sha256") > 1)
    return pl.concat(
        [
            _straddling(rows.filter(pl.col("group").is_not_null()), "group", ["source", "group"], "group"),
            _straddling(copies, "copy", ["sha256"], "sha256"),
            _straddling(rows, "picture", ["path"], "path"),
        ]
    )


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


def _wanted(labels: Counts, names: tuple[str, ...], amounts: Mapping[str, int | float]) -> Counts:
    """Rows for each of SPLITS and each class: (3, classes)."""
    have = np.bincount(labels, minlength=len(names))
    counts = {split: _count(split, amount, int(have.sum())) for split, amount in amounts.items()}
    if sum(counts.values()) >= have.sum():
        asked = ", ".join(f"{count} {split}" for split, count in counts.items())
        raise DataError(f"{asked}: more than fits; there are {have.sum()} usable rows, and some must be left for train")
    parts = {split: _apportion(count, have) for split, count in counts.items()}
    parts["train"] = have - sum(parts.values())
    return np.stack([parts[name] for name in SPLITS])


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


def _random(labels: Counts, wanted: Counts, rng: np.random.Generator) -> Counts:
    """Draw each class by itself: (rows,), positions in SPLITS."""
    sides = np.zeros(len(labels), np.int64)
    for label in range(wanted.shape[1]):
        sides[rng.permutation(np.flatnonzero(labels == label))] = np.repeat(np.arange(len(SPLITS)), wanted[:, label])
    return sides


def _components(rows: pl.DataFrame) -> Counts:
    """(rows,) number of the group of rows that may not be parted."""
    parent = list(range(rows.height))
    for keys in _belongings(rows):
        first: dict[object, int] = {}
        for row, key in enumerate(keys):
            if key is not None:
                a, b = _root(parent, row), _root(parent, first.setdefault(key, row))
                parent[max(a, b)] = min(a, b)
    return np.array([_root(parent, row) for row in range(rows.height)], np.int64)


def _belongings(rows: pl.DataFrame) -> Iterator[list[object]]:
    """What may not be parted, one list for each reason; None belongs to nothing."""
    sources, groups = rows["source"].to_list(), rows["group"].to_list()
    yield [None if group is None else (source, group) for source, group in zip(sources, groups, strict=True)]
    yield rows["sha256"].to_list()
    yield rows["path"].to_list()


def _root(parent: list[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


def _grouped(components: Counts, labels: Counts, wanted: Counts, rng: np.random.Generator) -> Counts:
    """Give whole components to splits, the largest first, each to where it brings the counts nearest to the wanted."""
    _, which = np.unique(components, return_inverse=True)
    table = np.zeros((which.max() + 1, wanted.shape[1]), np.int64)
    np.add.at(table, (which, labels), 1)
    order = rng.permutation(len(table))
    order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]
    sides = _greedy(table, order, wanted)
    _rescue(sides, table, order, wanted)
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
                why = " and groups may not be parted" if by == "grouped" else ""
                raise DataError(
                    f"{split} would have no {name}: there are {total} of it among {len(labels)} usable rows{why}; "
                    f"add pictures of {name}, change the size of the splits, or leave the class out"
                )


def _with_sides(manifest: Manifest, rows: pl.DataFrame, sides: Counts) -> Manifest:
    drawn = pl.DataFrame({"row": rows["row"], "drawn": pl.Series([SPLITS[s] for s in sides], dtype=pl.String)})
    numbered = manifest.rows.with_row_index("row").join(drawn, on="row", how="left", maintain_order="left")
    return Manifest(numbered.with_columns(pl.col("drawn").alias("split")).select(manifest.rows.columns))
