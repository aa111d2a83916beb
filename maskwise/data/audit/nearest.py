"""Neighbours among many vectors without comparing each with each: faiss, flat while few, inverted lists when many."""

from __future__ import annotations

import math

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

FLAT_UP_TO = 20_000
PROBES = 24
"""Inverted lists looked into for each query: with 4 sqrt(n) lists, the work for n queries grows as n to the 1.5."""


def neighbours(base: Vectors, queries: Vectors, count: int) -> tuple[NDArray[np.int64], Vectors]:
    """The most similar base vectors of each query.

    Args:
        base: (n, d) float32 of length 1; n at least 1.
        queries: (m, d) likewise.
        count: so many for each query.

    Returns:
        (m, count) positions in base, -1 where there are fewer, and (m, count) cosines, best first.

    Johnson, Douze & Jegou (2019), Billion-scale similarity search with GPUs, IEEE Transactions on Big Data 7.
    """
    index = _index(np.ascontiguousarray(base))
    cosines, found = index.search(np.ascontiguousarray(queries), count)
    return found, cosines


def _index(base: Vectors) -> faiss.Index:
    dimensions = base.shape[1]
    flat = faiss.IndexFlatIP(dimensions)
    if len(base) <= FLAT_UP_TO:
        flat.add(base)
        return flat
    lists = round(4 * math.sqrt(len(base)))
    index = faiss.IndexIVFFlat(flat, dimensions, lists, faiss.METRIC_INNER_PRODUCT)
    index.nprobe = PROBES
    index.cp.seed, index.cp.niter = 0, 8
    # Forty vectors for each list are what faiss asks for; more would cost time and move the lists little.
    index.train(base[np.random.default_rng(0).permutation(len(base))[: 40 * lists]])
    index.add(base)
    return index


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays zeros, and is nobody's neighbour."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
