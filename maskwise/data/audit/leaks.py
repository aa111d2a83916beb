"""What the pairs mean: copies within a class, across classes, across splits, and shared with a second data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.audit.folds import Codes
from maskwise.data.manifest import Manifest
from maskwise.data.schema import SPLITS
from maskwise.data.together import belonging
from maskwise.statistics.intervals import compact, proportion

TEST_SHARE = 0.2
"""The random split that a data set without a split is held against."""

SAME = ("copy", "twin")
"""Kinds of pairs that are one picture; a scene is another picture of the same shooting."""


def described(pairs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs with what each side is: paths_a, paths_b, labels_a, labels_b, splits_a, splits_b (lists, sorted).

    Args:
        pairs: a table of PAIRS.
        rows: the usable rows in which the contents stand.
    """
    sides = rows.group_by("sha256").agg(
        pl.col("path").unique().sort().alias("paths"),
        pl.col("label").sort().alias("labels"),
        pl.col("split").drop_nulls().unique().sort().alias("splits"),
        # A copy is one content under several paths: what it is called is compared between those.
        pl.struct("path", "label").alias("named"),
    )
    a, b = (sides.rename({name: f"{name}_{side}" for name in ("paths", "labels", "splits", "named")}) for side in "ab")
    joined = pairs.join(a, left_on="sha256_a", right_on="sha256").join(b, left_on="sha256_b", right_on="sha256")
    joined = joined.sort("kind", "sha256_a", "sha256_b")  # a join keeps no order of its own
    contradicts = [
        _disagree(row["named_a"]) if row["kind"] == "copy" else row["labels_a"] != row["labels_b"]
        for row in joined.select("kind", "named_a", "labels_a", "labels_b").iter_rows(named=True)
    ]
    return joined.drop("named_a", "named_b").with_columns(pl.Series("contradicts", contradicts, pl.Boolean))


def _disagree(named: list[dict[str, str]]) -> bool:
    """Whether the paths of one content carry different labels."""
    by_path: dict[str, list[str]] = {}
    for entry in named:
        by_path.setdefault(entry["path"], []).append(entry["label"])
    return len({tuple(sorted(labels)) for labels in by_path.values()}) > 1


def in_train(rows: pl.DataFrame, pairs: pl.DataFrame, split: str, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """(faces of the split,) whether each has a partner among the faces of train, by pairs of these kinds."""
    train = rows.filter(pl.col("split") == "train")
    kept = pairs.filter(pl.col("kind").is_in(kinds))
    turned = kept.select(pl.col("sha256_b").alias("sha256_a"), pl.col("sha256_a").alias("sha256_b"))
    both = pl.concat([kept.select("sha256_a", "sha256_b"), turned])
    reached = both.filter(pl.col("sha256_b").is_in(train["sha256"].implode()))["sha256_a"]
    tested = rows.filter(pl.col("split") == split)
    same_content = tested["sha256"].is_in(train["sha256"].implode())
    found = tested["sha256"].is_in(reached.implode())
    return np.asarray(found | same_content if "copy" in kinds else found)


def group_in_train(rows: pl.DataFrame, split: str) -> NDArray[np.bool_]:
    """(faces of the split,) whether the person or scene that the data names is in train, too."""
    train = rows.filter((pl.col("split") == "train") & pl.col("group").is_not_null())
    known = train.select(pl.struct("source", "group").alias("key"))["key"].unique()
    tested = rows.filter(pl.col("split") == split).select(pl.struct("source", "group").alias("key"), "group")
    return np.asarray(tested["key"].is_in(known.implode()) & tested["group"].is_not_null())


def expected(together: NDArray[np.int64]) -> float:
    """Share of test faces that would have a partner in train, were a fifth of the contents drawn by lot.

    Args:
        together: (contents,) which of them belong together.
    """
    if not len(together):
        return 0.0
    sizes = np.bincount(together)[together]
    return float((1 - TEST_SHARE ** (sizes - 1)).mean())


def counts(pairs: pl.DataFrame) -> dict[str, Any]:
    """How many pairs of each kind there are, how many are mirrored, and how many contradict."""
    return {
        kind: {
            "pairs": int((pairs["kind"] == kind).sum()),
            "mirrored": int(pairs.filter(pl.col("kind") == kind)["mirrored"].sum()),
            "contradicting": int(pairs.filter(pl.col("kind") == kind)["contradicts"].sum()),
        }
        for kind in ("copy", "twin", "scene")
    }


def of_splits(rows: pl.DataFrame, pairs: pl.DataFrame, together: Codes) -> dict[str, Any]:
    """For each split that is tested on: which share of its faces train knows already."""
    if not (rows["split"] == "train").any():
        return {}
    found = {}
    for split in SPLITS[1:]:
        here = np.asarray(rows["split"] == split, bool)
        if here.any():
            same = in_train(rows, pairs, split, SAME)
            near = same | in_train(rows, pairs, split, ("scene",)) | group_in_train(rows, split)
            found[split] = {
                "same_picture": proportion(same, together[here]).to_json(),
                "same_shooting_or_group": proportion(near, together[here]).to_json(),
            }
    return found


def of_random_split(rows: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, float]:
    """What would leak, were the data split by lot; see `expected`."""
    contents = rows.unique("sha256", keep="first", maintain_order=True)
    ungrouped = contents.with_columns(pl.lit(None, pl.String).alias("group"))
    twins = pairs.filter(pl.col("kind").is_in(SAME))
    return {
        "same_picture": expected(compact(belonging(ungrouped, twins))),
        "same_shooting_or_group": expected(compact(belonging(contents, pairs))),
    }


def of_other(
    rows: pl.DataFrame, shared: pl.DataFrame, together: Codes, against: Manifest | None, name: str
) -> dict[str, Any] | None:
    """Which share of the faces a second data set knows, too; None without one."""
    if against is None:
        return None
    sides = {
        kind: set(part["sha256_a"]) | set(part["sha256_b"])
        for kind, part in (
            ("same_picture", shared.filter(pl.col("kind").is_in(SAME))),
            ("same_shooting", shared.filter(pl.col("kind") == "scene")),
        )
    }
    figures = {
        kind: proportion(np.asarray(rows["sha256"].is_in(list(side)), bool), together).to_json()
        for kind, side in sides.items()
    }
    return {"name": name, "faces": against.usable.height, "pairs": counts(shared)} | figures


def of_groups(rows: pl.DataFrame, together: Codes, labels: tuple[str, ...]) -> dict[str, Any]:
    """How many groups there are, and how many of them the data does not name."""
    table = rows.select("label", "group", "sha256").with_columns(pl.Series("number", together))
    groups = table.group_by("number").agg(
        pl.col("sha256").n_unique().alias("contents"),
        pl.len().alias("faces"),
        pl.col("group").null_count().alias("unnamed"),
    )
    joined = groups.filter(pl.col("contents") > 1)
    new = joined.filter(pl.col("unnamed") == pl.col("faces"))
    return {
        "independent": groups.height,
        "given": rows.select(pl.struct("source", "group").filter(pl.col("group").is_not_null()).n_unique()).item(),
        "new": new.height,
        "faces_joined": int(new["faces"].sum()),
        "largest": int(groups["faces"].max() or 0),  # type: ignore[arg-type]
        "of_class": {label: table.filter(pl.col("label") == label)["number"].n_unique() for label in labels},
    }
