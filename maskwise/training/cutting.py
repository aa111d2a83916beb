"""What is taken from each picture of a manifest, in threads a bounded number of pictures ahead.

Training and evaluation cut here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ImageError
from maskwise.model.crops import CropSpec, cut
from maskwise.model.images import read_image
from maskwise.values import Image

PICTURES_AT_ONCE = 64
"""Pictures decoded ahead of the network; bounds the memory."""

DECODERS = 8

Cuts = dict[int, Image | str]
"""Row number to its crop, or to why there is none."""

T = TypeVar("T")


def cut_ahead(paths: list[str], boxes_xyxy: NDArray[np.float32], usable: list[int], spec: CropSpec) -> Iterator[Cuts]:
    """Cut batches of pictures; the next batch is decoded while the caller uses this one."""
    return look_ahead(paths, usable, lambda image, i: cut(image, boxes_xyxy[i], spec))


def look_ahead(paths: list[str], usable: list[int], look: Callable[[Image, int], T]) -> Iterator[dict[int, T | str]]:
    """Take something of each row from one decoding of its picture, a batch of pictures ahead of the caller.

    Args:
        paths: of all rows; rows of one picture that stand together share a decoding.
        usable: the rows to look at.
        look: from an RGB picture and a row number to what is wanted; called from several threads.

    Yields:
        Row number to what was taken, or to why the picture cannot be read.
    """
    pictures = (list(group) for _, group in groupby(usable, key=paths.__getitem__))
    with ThreadPoolExecutor(DECODERS) as pool:

        def start() -> list[Future[dict[int, T | str]]]:
            batch = islice(pictures, PICTURES_AT_ONCE)
            return [pool.submit(_look_at, paths[which[0]], which, look) for which in batch]

        coming = start()
        while coming:
            now, coming = coming, start()
            taken: dict[int, T | str] = {}
            for future in now:
                taken |= future.result()
            yield taken


def _look_at(path: str, which: list[int], look: Callable[[Image, int], T]) -> dict[int, T | str]:
    try:
        image = read_image(Path(path))
    except ImageError as error:
        return dict.fromkeys(which, str(error))
    return {i: look(image, i) for i in which}
