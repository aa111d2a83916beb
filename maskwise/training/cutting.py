"""What the network sees of each row of a manifest, cut in threads a bounded number of pictures ahead.

Training and evaluation cut here.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path

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


def cut_ahead(paths: list[str], boxes_xyxy: NDArray[np.float32], usable: list[int], spec: CropSpec) -> Iterator[Cuts]:
    """Cut batches of pictures; the next batch is decoded while the caller uses this one."""
    pictures = (list(group) for _, group in groupby(usable, key=paths.__getitem__))
    with ThreadPoolExecutor(DECODERS) as pool:

        def start() -> list[Future[Cuts]]:
            batch = islice(pictures, PICTURES_AT_ONCE)
            return [pool.submit(_cut_picture, paths[which[0]], boxes_xyxy, which, spec) for which in batch]

        coming = start()
        while coming:
            now, coming = coming, start()
            cuts: Cuts = {}
            for future in now:
                cuts |= future.result()
            yield cuts


def _cut_picture(path: str, boxes_xyxy: NDArray[np.float32], which: list[int], spec: CropSpec) -> Cuts:
    try:
        image = read_image(Path(path))
    except ImageError as error:
        return dict.fromkeys(which, str(error))
    return {i: cut(image, boxes_xyxy[i], spec) for i in which}
