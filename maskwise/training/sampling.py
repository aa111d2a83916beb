"""How often each example is drawn where an epoch is balanced."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.training.recipe import Sampling


def weights_of(rows: pl.DataFrame, sampling: Sampling) -> NDArray[np.float64] | None:
    """(rows,) chance of each to be drawn, sum 1; None where every one is seen once.

    Every class has the chance that `sampling.classes` says, or all the same. Within a class, rendered pictures share
    what `sampling.rendered` says, if it has photographs as well; and within each of these a source of four times as
    many pictures is drawn twice as often, or as `sampling.sources` changes that.

    Raises:
        ConfigError: nothing is left to draw.
    """
    if sampling.by == "once" or not rows.height:
        return None
    is_rendered = pl.col("provenance").eq_missing("rendered")
    wanted = rows.select(
        "label",
        rendered=is_rendered,
        weight=pl.len().over("label", is_rendered, "source").cast(pl.Float64) ** -0.5
        * _looked_up("source", sampling.sources, 1.0),
    )
    drawn = pl.col("weight") > 0
    share = _looked_up("label", sampling.rendered_of, sampling.rendered)
    mixed = (pl.col("rendered") & drawn).any().over("label") & (~pl.col("rendered") & drawn).any().over("label")
    chance = wanted.select(
        pl.when(drawn).then(pl.col("weight") / pl.col("weight").sum().over("label", "rendered")).otherwise(0.0)
        * pl.when(~mixed).then(1.0).when("rendered").then(share).otherwise(1 - share)
        * _looked_up("label", sampling.classes, 1.0)
    )
    weights = chance.to_series().to_numpy()
    if not weights.any():
        raise ConfigError(f"sampling.sources: {sampling.sources} leaves nothing to train on")
    return np.asarray(weights / weights.sum(), np.float64)


def _looked_up(column: str, given: Mapping[str, float], default: float) -> pl.Expr:
    """A number for each row, by what it has in a column."""
    numbers = {name: float(number) for name, number in given.items()}  # polars takes no mix of 2 and 0.4
    return pl.col(column).replace_strict(numbers, default=default, return_dtype=pl.Float64)
