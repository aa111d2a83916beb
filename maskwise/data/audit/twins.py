"""Near-duplicates: two files that are one picture, mirrored, rescaled, encoded again, brightened or cropped a little.

    grey 64 x 64 -> low frequencies -> neighbours (faiss) -> aligned -> correlation of what is fine -> pairs

Candidates are found by the low frequencies of a small copy, with its mean and contrast taken out; the mirrored picture
has the same ones but for signs, so both are looked up. Each candidate is then laid over the other (an affine
alignment), and what both show in fine detail is correlated: two faces cut alike have the same coarse light and dark,
but not the same lashes, folds and noise.

Evangelidis & Psarakis (2008), Parametric image alignment using enhanced correlation coefficient maximization, IEEE
Transactions on Pattern Analysis and Machine Intelligence 30.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.fft import dctn

from maskwise.data.audit.nearest import Vectors, neighbours, unit

TWIN, ALIKE = 0.88, 0.78
"""Correlations of the detail from which two pictures count as one, and as two moments of one shooting.

Chosen on the development pictures: planted copies lie above the first but for one in a hundred, different pictures
below the second (the highest was 0.73), other moments of one shooting between.
"""

SURELY = 0.95  # alike as they lie: nothing to gain by laying one over the other
CANDIDATES = 8
LEAST_COSINE = 0.72
FREQUENCIES = 10
_SMALL_PX = 32
_SIGMA_PX = 3.0
_BLOCK = 4096
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-3)

Grey = NDArray[np.uint8]
PAIRS = pl.Schema({"a": pl.Int64, "b": pl.Int64, "similarity": pl.Float32, "mirrored": pl.Boolean})


def find_twins(grey: Grey, progress: Callable[[int, int], None] | None = None) -> pl.DataFrame:
    """Pairs of near-duplicates, and of pictures nearly as alike.

    Args:
        grey: (n, 64, 64) uint8, one small copy of each different content.
        progress: called with (candidates compared, candidates).

    Returns:
        A table of PAIRS: positions a < b, similarity in [ALIKE, 1], whether one is the mirror image of the other.
    """
    ends, mirrored = _candidates(grey)
    found: list[tuple[int, int, float, bool]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(ends), _BLOCK):
            here = slice(start, start + _BLOCK)
            block = [
                (a, b, turned) for (a, b), turned in zip(ends[here].tolist(), mirrored[here].tolist(), strict=True)
            ]
            scores = pool.map(lambda c: detail_correlation(_turned(grey[c[0]], c[2]), grey[c[1]]), block)
            found += [
                (a, b, score, turned) for (a, b, turned), score in zip(block, scores, strict=True) if score >= ALIKE
            ]
            if progress:
                progress(start + len(block), len(ends))
    return pl.DataFrame(found, schema=PAIRS, orient="row")


def _turned(grey: Grey, mirrored: bool) -> Grey:
    return np.ascontiguousarray(grey[:, ::-1]) if mirrored else grey


def _candidates(grey: Grey) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(m, 2) positions a < b that look alike from far, sorted, and (m,) whether rather mirrored."""
    if len(grey) < 2:
        return np.zeros((0, 2), np.int64), np.zeros(0, bool)
    plain, mirrored = low_frequencies(grey)
    parts = [_alike(plain, queries) for queries in (plain, mirrored)]
    ends, cosines = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    turned = np.repeat([False, True], [len(part[0]) for part in parts])
    order = np.lexsort((-cosines, ends[:, 1], ends[:, 0]))  # of each pair the better look first
    ends, turned = ends[order], turned[order]
    first = np.append(True, (np.diff(ends, axis=0) != 0).any(axis=1)) if len(ends) else np.zeros(0, bool)
    return ends[first], turned[first]


def _alike(base: Vectors, queries: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(m, 2) positions of neighbours that are alike enough, the lower first, and (m,) their cosines."""
    found, cosines = neighbours(base, queries, CANDIDATES + 1)
    rows, columns = np.nonzero((cosines >= LEAST_COSINE) & (found >= 0) & (found != np.arange(len(base))[:, None]))
    return np.sort(np.stack([rows, found[rows, columns]], axis=1), axis=1), cosines[rows, columns]


def low_frequencies(grey: Grey) -> tuple[Vectors, Vectors]:
    """The coarse light and dark of pictures, and of their mirror images.

    Args:
        grey: (n, 64, 64) uint8.

    Returns:
        (n, 54) float32 of length 1 each: cosine transform without its mean, low diagonals only; mirroring a picture
        turns the sign of the odd horizontal ones.
    """
    down, across = np.indices((_SMALL_PX, _SMALL_PX))
    kept = (down + across < FREQUENCIES) & (down + across > 0)
    signs = np.where(across[kept] % 2, -1, 1).astype(np.float32)
    parts = [_low(grey[start : start + _BLOCK], kept) for start in range(0, len(grey), _BLOCK)]
    plain = unit(np.concatenate(parts))
    return plain, plain * signs


def _low(grey: Grey, kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    n = len(grey)
    halved = grey.reshape(n, _SMALL_PX, 2, _SMALL_PX, 2).mean(axis=(2, 4), dtype=np.float32)
    return np.asarray(dctn(halved, axes=(1, 2), norm="ortho")[:, kept], np.float32)


def detail_correlation(one: Grey, other: Grey) -> float:
    """How much of the fine detail two small pictures share once one is laid over the other: -1 to 1.

    Args:
        one: (64, 64) uint8.
        other: (64, 64) uint8.
    """
    a, b = np.asarray(one, np.float32), np.asarray(other, np.float32)
    unmoved = _correlation(a, b, np.ones(a.shape, bool))
    moved = _alignment(a, b) if unmoved < SURELY else None
    if moved is None:
        return unmoved
    size = a.shape[::-1]
    laid = cv2.warpAffine(
        b, moved, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(np.ones_like(b), moved, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    return max(unmoved, _correlation(a, np.asarray(laid, np.float32), np.asarray(inside)))


def _alignment(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(2, 3) affine map that lays b over a; None where it would have to cut or turn more than a little."""
    try:
        start, everywhere = np.eye(2, 3, dtype=np.float32), np.full(a.shape, 255, np.uint8)
        _, found = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, _STEPS, everywhere, 3)
    except cv2.error:  # it did not converge: the pictures have nothing in common, or one is flat
        return None
    matrix = np.asarray(found, np.float32)
    little = np.abs(matrix[:, :2] - np.eye(2)).max() < 0.2 and np.abs(matrix[:, 2]).max() < 14
    return matrix if little else None


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    fine_a, fine_b = (_fine(x)[inside] for x in (a, b))
    fine_a, fine_b = fine_a - fine_a.mean(), fine_b - fine_b.mean()
    spread = float(np.sqrt((fine_a @ fine_a) * (fine_b @ fine_b)))
    return float(fine_a @ fine_b) / spread if spread > 1e-3 else 0.0


def _fine(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), _SIGMA_PX), np.float32)
