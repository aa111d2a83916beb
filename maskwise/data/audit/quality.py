"""What is wrong with single pictures: too blurred, too dark, too small, an odd shape, no face or too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from maskwise.data.audit.look import Records
from maskwise.data.schema import FACE_HEIGHT, FACE_SIDE, FACE_WIDTH


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """From where on a face is flagged. Chosen by looking at the development pictures.

    tiny_px: shorter side of the face.
    blurred: standard deviation of the Laplacian over that of the grey values, at 64 pixels.
    dark, bright: mean grey value, 0 to 255.
    narrow, wide: width over height.
    """

    tiny_px: float = 24.0
    blurred: float = 0.12
    dark: float = 40.0
    bright: float = 225.0
    narrow: float = 0.5
    wide: float = 1.6


FLAGS = {
    "unreadable": "the picture could not be read again",
    "tiny": "the face is smaller than {tiny_px:g} pixels",
    "blurred": "the face has hardly any fine detail",
    "dark": "the face is nearly black",
    "bright": "the face is nearly white",
    "odd_shape": "the face is far wider or narrower than faces are",
    "no_face": "the detector finds no face here",
    "several_faces": "the picture should show one face, and the detector finds more",
}


def flag(rows: pl.DataFrame, faces: Records, found: pl.Series, limits: QualityLimits | None = None) -> pl.DataFrame:
    """One line for each face and each of its flags.

    Args:
        rows: n usable rows of a manifest.
        faces: (n,) FACE records.
        found: (n,) how many faces the detector finds in the row's picture; -1 where it was not asked.
        limits: from where on a face is flagged.

    Returns:
        Columns row (position in rows), flag (a key of FLAGS).
    """
    limits = limits or QualityLimits()
    whole, asked = pl.col("x_min").is_null(), pl.col("found") >= 0
    readable = pl.col("brightness").is_not_null()
    tests = {
        "unreadable": ~readable,
        "tiny": limits.tiny_px > FACE_SIDE,
        "blurred": readable & (pl.col("sharpness") < limits.blurred),
        "dark": readable & (pl.col("brightness") < limits.dark),
        "bright": readable & (pl.col("brightness") > limits.bright),
        "odd_shape": ~(FACE_WIDTH / FACE_HEIGHT).is_between(limits.narrow, limits.wide),
        "no_face": readable & asked & ~pl.col("face_found"),
        "several_faces": readable & asked & whole & (pl.col("found") > 1),
    }
    # A record of a picture that could not be read is all zeros: its thumbnail has no histogram.
    empty = np.asarray(faces["histogram"].sum(axis=1) == 0)
    measured = rows.with_columns(
        pl.Series("sharpness", np.where(empty, np.nan, faces["sharpness"])).fill_nan(None),
        pl.Series("brightness", np.where(empty, np.nan, faces["brightness"])).fill_nan(None),
        pl.Series("face_found", np.asarray(faces["found"])),
        found.alias("found"),
    )
    flagged = measured.select(pl.int_range(pl.len()).alias("row"), *(test.alias(name) for name, test in tests.items()))
    return flagged.unpivot(index="row", variable_name="flag").filter(pl.col("value")).select("row", "flag").sort("row")
