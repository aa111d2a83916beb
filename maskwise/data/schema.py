"""The columns of a manifest."""

from __future__ import annotations

import polars as pl

SCHEMA = pl.Schema(
    {
        "path": pl.String,  # absolute in memory; relative to the manifest's folder on disk, where it lies below it
        "x_min": pl.Float32,  # box in pixels of the upright picture; all four null: the whole picture is the face
        "y_min": pl.Float32,
        "x_max": pl.Float32,
        "y_max": pl.Float32,
        "label": pl.String,  # one of LABELS; null only in rows with an error
        "group": pl.String,  # person or scene, unique within its source; null where not known
        "source": pl.String,  # data set
        "width": pl.Int32,  # pixels after EXIF rotation
        "height": pl.Int32,
        "sha256": pl.String,  # of the file's bytes
        "kind": pl.String,  # of mask, or what else is at the mouth: surgical, cloth, hand ...; null where not known
        "provenance": pl.String,  # photograph or rendered; null counts as photograph
        "origin": pl.String,  # sha256 of the picture that a rendered one was made from, else null
        "split": pl.String,  # train, validation, test; null before splitting
        "error": pl.String,  # why the row cannot be used, else null
    }
)
BOX = ("x_min", "y_min", "x_max", "y_max")
SPLITS = ("train", "validation", "test")

FACE_WIDTH = pl.coalesce(pl.col("x_max") - pl.col("x_min"), pl.col("width").cast(pl.Float32))
FACE_HEIGHT = pl.coalesce(pl.col("y_max") - pl.col("y_min"), pl.col("height").cast(pl.Float32))
FACE_SIDE = pl.min_horizontal(FACE_WIDTH, FACE_HEIGHT)
"""Pixels of the face: of its box, or of the picture where there is none; the shorter of both sides."""
