"""What belongs together: exact copies, near-duplicates and scenes as one table of pairs, and the groups they make."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from maskwise.data.manifest import Manifest
from maskwise.errors import DataError

PAIRS = pl.Schema(
    {
        "kind": pl.String,  # copy: the same bytes under two paths; twin: a near-duplicate; scene: the same shooting
        "sha256_a": pl.String,
        "sha256_b": pl.String,
        "similarity": pl.Float32,  # of a twin: correlation of the detail, 0 to 1; of a copy 1; of a scene null
        "mirrored": pl.Boolean,
    }
)
"""A table of pairs of contents; a copy names one content twice."""


def pairs_of(table: pl.DataFrame, twins: pl.DataFrame, scenes: pl.DataFrame) -> pl.DataFrame:
    """One table of PAIRS from what was found by position.

    Args:
        table: one line for each content, with sha256 and rows; see `maskwise.data.audit.shelf.contents`.
        twins: see `find_twins`.
        scenes: see `find_scenes`; a pair that is a twin already is not named twice.
    """
    names = table.with_row_index("at").select(pl.col("at").cast(pl.Int64), "sha256")
    found = pl.concat(
        [
            twins.select(pl.lit("twin").alias("kind"), "a", "b", "similarity", "mirrored"),
            scenes.join(twins, on=["a", "b"], how="anti").select(
                pl.lit("scene").alias("kind"), "a", "b",
                pl.lit(None, pl.Float32).alias("similarity"), pl.lit(False).alias("mirrored"),
            ),
        ]
    )  # fmt: skip
    named = found.join(names.rename({"sha256": "sha256_a"}), left_on="a", right_on="at").join(
        names.rename({"sha256": "sha256_b"}), left_on="b", right_on="at"
    )
    return named.select(PAIRS.names()).sort("kind", "sha256_a", "sha256_b")


def copies(manifest: Manifest) -> pl.DataFrame:
    """Contents that lie under more than one path, as PAIRS."""
    several = manifest.usable.group_by("sha256").agg(pl.col("path").n_unique()).filter(pl.col("path") > 1)
    return several.select(
        pl.lit("copy").alias("kind"), pl.col("sha256").alias("sha256_a"), pl.col("sha256").alias("sha256_b"),
        pl.lit(1.0, pl.Float32).alias("similarity"), pl.lit(False).alias("mirrored"),
    ).sort("sha256_a")  # fmt: skip


def load_pairs(path: Path) -> pl.DataFrame:
    """Read the pairs that an audit wrote.

    Raises:
        DataError: the file cannot be read, or holds no pairs.
    """
    try:
        with path.open("rb") as file:
            return pl.read_parquet(file, columns=PAIRS.names()).cast(PAIRS)
    except OSError as error:
        raise DataError(f"cannot read the pairs {path}: {error.strerror or error}; check the path") from error
    except pl.exceptions.PolarsError as error:
        said = str(error).splitlines()[0]
        raise DataError(f"{path} holds no pairs ({said}); give the pairs.parquet of maskwise data audit") from error


def components(count: int, links: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> NDArray[np.int64]:
    """(count,) number of the group of each of `count` things, given pairs of positions that belong together."""
    ends = [np.concatenate([np.asarray(part, np.int64) for part in side]) for side in zip(*links, strict=True)]
    if not ends or not len(ends[0]):
        return np.arange(count)
    graph = coo_array((np.ones(len(ends[0]), bool), (ends[0], ends[1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def belonging(rows: pl.DataFrame, pairs: pl.DataFrame) -> NDArray[np.int64]:
    """Which rows may not be parted: (rows,) int64, one number for all that hang together.

    Rows hang together by a group of their source, a content, a picture that both were made from, a path, or a pair.

    Args:
        rows: usable rows of a manifest.
        pairs: a table of PAIRS; may be empty.
    """
    keys = rows.select(
        pl.when(pl.col("group").is_not_null()).then(pl.struct("source", "group")).alias("group"),
        pl.coalesce("origin", "sha256").alias("content"),
        "path",
    )
    links = [_chained(keys[name]) for name in keys.columns]
    first = rows.select("sha256").with_row_index("row").group_by("sha256").agg(pl.col("row").first().cast(pl.Int64))
    ends = pairs.join(first.rename({"row": "a"}), left_on="sha256_a", right_on="sha256").join(
        first.rename({"row": "b"}), left_on="sha256_b", right_on="sha256"
    )
    links.append((ends["a"].to_numpy(), ends["b"].to_numpy()))
    return components(rows.height, links)


def _chained(keys: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link each row to the first with the same key; null links to nothing."""
    table = pl.DataFrame({"key": keys}).with_row_index("row").filter(pl.col("key").is_not_null())
    linked = table.with_columns(pl.col("row").first().over("key").alias("first"))
    return linked["row"].cast(pl.Int64).to_numpy(), linked["first"].cast(pl.Int64).to_numpy()


def with_groups(manifest: Manifest, pairs: pl.DataFrame) -> Manifest:
    """Fill in `group`: what hangs together gets one name, the first of the names that the data gives, else a number.

    The number says nothing of who is in the pictures; it counts groups in the order of the rows.
    """
    usable = manifest.rows.with_row_index("row").filter(pl.col("error").is_null())
    grouped = usable.with_columns(pl.Series("number", belonging(usable, pairs)))
    contents = pl.col("sha256").n_unique().over("number")
    named = grouped.with_columns(
        pl.col("group").sort(nulls_last=True).first().over("number").alias("given"),
        pl.format("together-{}", pl.col("number").rank("dense")).alias("new"),
        several=contents > 1,
    ).with_columns(pl.coalesce("given", pl.when("several").then(pl.col("new"))).alias("group"))
    joined = manifest.rows.with_row_index("row").drop("group").join(
        named.select("row", "group"), on="row", how="left", maintain_order="left"
    )  # fmt: skip
    unusable = manifest.rows.select("group").rename({"group": "before"})
    filled = pl.concat([joined, unusable], how="horizontal").with_columns(pl.coalesce("group", "before").alias("group"))
    return Manifest(filled.select(manifest.rows.columns))
