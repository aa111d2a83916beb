"""What a file tells before a pixel is decoded: size, kind, compression. A model must not need any of it."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import JpegImagePlugin

FIELDS = (
    "width", "height", "bytes", "bits_per_pixel", "aspect", "format", "channels",
    "luma_table", "chroma_table", "subsampling", "progressive", "exif", "icc",
)  # fmt: skip
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""Formats that are told apart; all others are one."""


def header(data: bytes) -> NDArray[np.float32]:
    """Read a picture file's head.

    Args:
        data: what the file holds.

    Returns:
        (13,) float32 in the order of FIELDS; -1 where the format has no such thing.
    """
    with Pillow.open(io.BytesIO(data)) as picture:
        width, height = picture.size
        kind = FORMATS.index(picture.format) if picture.format in FORMATS else len(FORMATS)
        return np.array(
            [
                width, height, len(data), 8 * len(data) / (width * height), width / height, kind,
                len(picture.getbands()), *_compression(picture), "exif" in picture.info, "icc_profile" in picture.info,
            ],
            np.float32,
        )  # fmt: skip


def _compression(picture: Pillow.Image) -> tuple[float, float, float, float]:
    """Sums of the two quantisation tables, chroma subsampling and whether progressive, of a JPEG."""
    tables = getattr(picture, "quantization", None)
    if not tables:
        return -1, -1, -1, -1
    sums = [float(sum(_numbers(tables.get(which)))) for which in (0, 1)]
    return sums[0], sums[1], float(JpegImagePlugin.get_sampling(picture)), float("progressive" in picture.info)


def _numbers(table: Iterable[int] | None) -> Iterable[int]:
    return table if table is not None else (-1,)
