"""How often each example is drawn where an epoch is balanced."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.training.recipe import Sampling


def weights_of(rows: pl.DataFrame, sampling: Sampling) -> NDArray[np.float64] | None:
    """(rows,) chance of each to be drawn, sum 1; None where every one is seen once.

    Every class has the chance that `sampling.classes` says, or all the same. Within a class, rendered pictures share
    what `sampling.rendered` says, if it has photographs as well; and within each of these a source of four times as
    many pictures is drawn twice as often.
    """
    if sampling.by == "once" or not rows.height:
        return None
    is_rendered = pl.col("provenance").eq_missing("rendered")
    counted = rows.select(
        "label",
        rendered=is_rendered,
        of_source=pl.len().over("label", is_rendered, "source").cast(pl.Float64),
        mixed=is_rendered.any().over("label") & ~is_rendered.all().over("label"),
    )
    parts = {label: float(part) for label, part in sampling.classes.items()}  # polars takes no mix of 2 and 0.4
    share = pl.when("rendered").then(sampling.rendered).otherwise(1 - sampling.rendered)
    chance = counted.with_columns(weight=pl.col("of_source") ** -0.5).select(
        pl.col("weight")
        / pl.col("weight").sum().over("label", "rendered")
        * pl.when("mixed").then(share).otherwise(1.0)
        * pl.col("label").replace_strict(parts, default=1.0, return_dtype=pl.Float64)
    )
    weights = chance.to_series().to_numpy()
    return np.asarray(weights / weights.sum(), np.float64)
