"""Where in a face an answer comes from: parts of it are covered with skin, and the network says what that changes.

It works for every network that takes crops, int8 ones too, since it only asks for answers. Which parts are covered
together is a two-level screening design (Plackett and Burman 1946) of 64 runs: each cell of a grid is seen in half of
them, and every other cell in half of those. What a cell adds is the mean with it less the mean without it, free of what
any other cell adds by itself and of what any two add together, and the same at every call. Decision 0014 compares it
with random masks (RISE), with hiding one patch at a time, and with gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import LabelError, ShapeError
from maskwise.model.classifier import MaskClassifier
from maskwise.values import Image, check_image

CELLS = 5
"""Across and down: a cell is about as large as an eye or a mouth."""

DOUBLINGS = 5
"""Of the design: 2 ** 5 runs, which have a column for each of up to 31 cells; their mirror images follow."""

SKIN = (0.2, 0.45), (0.3, 0.7)
"""Rows and columns, as shares of the crop, whose median colour is laid over what is hidden: from brows to the tip of
the nose, where masks leave skin bare. A blur would leave a mask its colour, and other colours are easily a mask."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What each place of one face adds to an answer.

    crop: (size, size, 3) uint8 RGB, what the network sees.
    label: the class that is explained.
    log_odds: (size, size) float32, above 0 for the class, below 0 against it: by how much the natural log-odds of its
        calibrated probability rise, on average, when the cell around this place is seen and not covered.
    """

    crop: Image
    label: str
    log_odds: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_image(self.crop)
        if self.log_odds.shape != self.crop.shape[:2] or self.log_odds.dtype != np.float32:
            raise ShapeError(
                f"log_odds: expected {self.crop.shape[:2]} float32, got {self.log_odds.shape} {self.log_odds.dtype}"
            )

    def share(self, where: NDArray[np.bool_]) -> float:
        """How much of what speaks for the class lies in a part of the crop.

        Args:
            where: (size, size).

        Returns:
            0 to 1; nan where nothing speaks for the class.
        """
        speaks_for = np.maximum(self.log_odds, 0)
        total = float(speaks_for.sum())
        return float(speaks_for[where].sum()) / total if total else float("nan")


def explain(classify: MaskClassifier, crop: Image, label: str | None = None) -> Evidence:
    """Ask the network about one face 64 times, with half of it covered.

    Args:
        classify: the network.
        crop: (size, size, 3) uint8 RGB, as the network sees it.
        label: the class to explain; the likeliest if None.

    Raises:
        LabelError: the model does not know this class.
        ShapeError: the crop is not of the network's size.
    """
    size_px = classify.card.crop.size_px
    check_image(crop)
    if crop.shape[:2] != (size_px, size_px):
        raise ShapeError(f"crop: expected ({size_px}, {size_px}, 3), as the network sees it, got {crop.shape}")
    if label is not None and label not in classify.labels:
        raise LabelError(f"label {label!r} is not one of {', '.join(classify.labels)}, which this model knows")
    if label is None:
        label = classify.labels[int(classify.logits(crop[None]).argmax())]
    design = _design()
    logits = classify.logits(_partly_covered(crop, design)) / np.float32(classify.card.temperature)
    odds = _log_odds(logits, classify.labels.index(label))
    added = 2 * np.tensordot(odds, design, axes=1) / len(design)
    return Evidence(crop, label, _stretched(added.astype(np.float32), size_px))


def _design() -> NDArray[np.float32]:
    """(runs, CELLS, CELLS): 1 where a cell is seen, -1 where it is hidden; each run is followed by its mirror image.

    Columns of a Hadamard matrix, all but the constant one, in an order that scatters the cells of a run: in the
    matrix's own order they would form stripes and chequers, which no face shows.
    """
    hadamard = reduce(np.kron, [np.array([[1, 1], [1, -1]])] * DOUBLINGS)
    columns = 1 + 37 * np.arange(CELLS**2) % (len(hadamard) - 1)
    half = hadamard[:, columns].reshape(-1, CELLS, CELLS)
    return np.concatenate([half, -half]).astype(np.float32)


def _partly_covered(crop: Image, design: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(runs, size, size, 3): the crop where a cell is seen, the colour of skin where it is hidden, with soft edges."""
    size_px = len(crop)
    sharp = crop.astype(np.float32)
    rows, columns = (slice(round(low * size_px), round(high * size_px)) for low, high in SKIN)
    skin = np.median(sharp[rows, columns].reshape(-1, 3), axis=0).astype(np.float32)
    seen = (_stretched((1 + run) / 2, size_px)[..., None] for run in design)
    return np.stack([np.round(skin + (sharp - skin) * share).astype(np.uint8) for share in seen])


def _stretched(cells: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """(CELLS, CELLS) to (size, size), smooth from the middle of one cell to the next."""
    return np.asarray(cv2.resize(cells, (size_px, size_px), interpolation=cv2.INTER_LINEAR), np.float32)


def _log_odds(logits: NDArray[np.float32], column: int) -> NDArray[np.float32]:
    """(n, classes) to (n,): log(p / (1 - p)) of one class, exact also where p rounds to 1."""
    others = np.delete(logits, column, axis=1)
    highest = others.max(axis=1, keepdims=True)
    return np.asarray(logits[:, column] - highest[:, 0] - np.log(np.exp(others - highest).sum(axis=1)), np.float32)
