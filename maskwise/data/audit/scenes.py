"""Pictures of one shooting: another moment, another person in the same room, another cut of the same photograph.

    border colours and low frequencies -> neighbours (faiss) -> local features (SIFT) -> one geometric map -> pairs

Two pictures belong to one scene where at least `LEAST_INLIERS` local features of one are found in the other in the same
arrangement, spread over the picture: a stamp in a corner does not join what it is printed on. No face is compared with
another as a face. So a person who comes again elsewhere, or before a plain wall, is not recognised, nor meant to be.

Lowe (2004), Distinctive image features from scale-invariant keypoints, International Journal of Computer Vision 60.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.audit.nearest import neighbours, unit
from maskwise.data.audit.shelf import Shelf
from maskwise.data.audit.twins import low_frequencies

CANDIDATES = 10
LEAST_INLIERS = 8
RATIO = 0.85
FARTHEST = 230.0
"""Distance of two descriptors (each of length 512) from which they are not the same spot.

Without it, eyes and mouths of different people, cut alike, agree: among 2,615 tight crops 220 pairs did, nearly all
wrong. With it 11 did, of which 8 are right by eye.
"""
TOLERANCE_PX = 4.0  # of copies whose longer side is 256
_BLOCK = 4096
SPREAD_PX = 12.0  # standard deviation of the places in which the pictures agree, along each side

PAIRS = pl.Schema({"a": pl.Int64, "b": pl.Int64, "inliers": pl.Int32})
Points = tuple[NDArray[np.float32], NDArray[np.float32]]


def find_scenes(shelf: Shelf, progress: Callable[[int, int], None] | None = None) -> pl.DataFrame:
    """Pairs of pictures of one scene.

    Args:
        shelf: what is known of the pictures.
        progress: called with (candidates compared, candidates).

    Returns:
        A table of PAIRS: positions a < b in `shelf.table`, and how many local features agree.
    """
    pairs = _candidates(shelf)
    found: list[tuple[int, int, int]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pairs), _BLOCK):
            block = pairs[start : start + _BLOCK]
            agree = pool.map(lambda pair: agreeing(shelf.points(pair[0]), shelf.points(pair[1])), block)
            found += [(*pair, count) for pair, count in zip(block, agree, strict=True) if count >= LEAST_INLIERS]
            if progress:
                progress(min(start + _BLOCK, len(pairs)), len(pairs))
    return pl.DataFrame(found, schema=PAIRS, orient="row")


def _candidates(shelf: Shelf) -> list[tuple[int, int]]:
    readable = np.flatnonzero(shelf.pictures["readable"])
    if len(readable) < 2:
        return []
    ends = []
    for vectors in (low_frequencies(shelf.pictures["grey"][readable])[0], _borders(shelf)[readable]):
        found, _ = neighbours(vectors, vectors, CANDIDATES + 1)
        rows, columns = np.nonzero((found >= 0) & (found != np.arange(len(readable))[:, None]))
        ends.append(np.sort(readable[np.stack([rows, found[rows, columns]], axis=1)], axis=1))
    # As one number each: two million pairs as objects would take more memory than the pictures.
    pairs = np.unique(np.concatenate(ends) @ np.array([len(shelf.pictures), 1]))
    return list(zip(*(part.tolist() for part in divmod(pairs, len(shelf.pictures))), strict=True))


def _borders(shelf: Shelf) -> NDArray[np.float32]:
    """(n, 336) colours along the border, as directions: one room has one wall."""
    colours = shelf.pictures["border"].reshape(len(shelf.pictures), -1).astype(np.float32)
    return unit(colours - 128)


def agreeing(one: Points, other: Points) -> int:
    """How many local features of two pictures agree in their arrangement, with one scale, turn and shift.

    Args:
        one: (k, 2) places in pixels and (k, 128) descriptors.
        other: likewise, of the second picture.
    """
    (here, first), (there, second) = one, other
    if min(len(here), len(there)) < LEAST_INLIERS:
        return 0
    matches = _matches(first, second)
    if len(matches) < LEAST_INLIERS:
        return 0
    here, there = here[matches[:, 0]], there[matches[:, 1]]
    cv2.setRNGSeed(0)  # RANSAC draws: the same pair must get the same answer in any order
    found, mask = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=TOLERANCE_PX)
    if found is None or not 0.4 < float(np.hypot(found[0, 0], found[0, 1])) < 2.5:
        return 0
    inside = mask.ravel() > 0
    spread = min(float(here[inside].std(axis=0).min()), float(there[inside].std(axis=0).min()))
    return int(inside.sum()) if spread >= SPREAD_PX else 0


def _matches(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.int64]:
    """(k, 2) positions of features whose nearest in the other picture is near, and nearer than the next (Lowe)."""
    distances, places = cv2.batchDistance(first, second, cv2.CV_32F, normType=cv2.NORM_L2, K=2)
    kept = np.flatnonzero(distances[:, 0] < np.minimum(RATIO * distances[:, 1], FARTHEST))
    return np.stack([kept, places[kept, 0]], axis=1)
