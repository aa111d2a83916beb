"""ROC and precision-recall curves, thinned to what a page can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

POINTS = 200

Curve = dict[str, list[float]]


def curves(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> dict[str, Curve]:
    """Both curves of one class against the rest.

    Args:
        scores: (n,) the class's probabilities.
        positive: (n,) whether each face is of the class.

    Returns:
        {"roc": {"false_positive_rate", "true_positive_rate"}, "precision_recall": {"recall", "precision"}}, at most
        POINTS points each; without points where the class, or everything else, has no examples.
    """
    if positive.all() or not positive.any():
        return {
            "roc": {"false_positive_rate": [], "true_positive_rate": []},
            "precision_recall": {"recall": [], "precision": []},
        }
    false, true, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return {
        "roc": {"false_positive_rate": thin(false), "true_positive_rate": thin(true)},
        "precision_recall": {"recall": thin(recall[::-1]), "precision": thin(precision[::-1])},
    }


def thin(values: NDArray[np.float64]) -> list[float]:
    """At most POINTS of the values, evenly chosen, with both ends."""
    kept = np.unique(np.linspace(0, len(values) - 1, min(POINTS, len(values))).round().astype(int))
    return [round(float(v), 5) for v in values[kept]]
