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

TWIN = 0.82
"""Correlation of the detail from which two pictures count as one.

Chosen on the development pictures: planted copies lie above it, different pictures below (the highest was 0.73), other
moments of one shooting between 0.7 and 0.85.
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
    """Pairs of near-duplicates.

    Args:
        grey: (n, 64, 64) uint8, one small copy of each different content.
        progress: called with (candidates compared, candidates).

    Returns:
        A table of PAIRS: positions a < b, similarity in [TWIN, 1], whether one is the mirror image of the other.
    """
    candidates = _candidates(grey)
    pairs = list(candidates)
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pairs), _BLOCK):
            block = pairs[start : start + _BLOCK]
            scores = pool.map(lambda p: detail_correlation(_turned(grey[p[0]], candidates[p]), grey[p[1]]), block)
            found += [(*p, s, candidates[p]) for p, s in zip(block, scores, strict=True) if s >= TWIN]
            if progress:
                progress(min(start + _BLOCK, len(pairs)), len(pairs))
    return pl.DataFrame(found, schema=PAIRS, orient="row").sort("a", "b")


def _turned(grey: Grey, mirrored: bool) -> Grey:
    return np.ascontiguousarray(grey[:, ::-1]) if mirrored else grey


def _candidates(grey: Grey) -> dict[tuple[int, int], bool]:
    """Pairs a < b that look alike from far, and whether rather mirrored."""
    if len(grey) < 2:
        return {}
    plain, mirrored = low_frequencies(grey)
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for queries, turned in ((plain, False), (mirrored, True)):
        found, cosines = neighbours(plain, queries, CANDIDATES + 1)
        rows, columns = np.nonzero((cosines >= LEAST_COSINE) & (found >= 0) & (found != np.arange(len(grey))[:, None]))
        for a, b, c in zip(rows.tolist(), found[rows, columns].tolist(), cosines[rows, columns].tolist(), strict=True):
            pair = (a, b) if a < b else (b, a)
            best[pair] = max(best.get(pair, (-1.0, False)), (c, turned))
    return {pair: turned for pair, (_, turned) in best.items()}


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
