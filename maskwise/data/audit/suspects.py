"""Faces whose label the others contradict: a classifier that never saw them says something else, and is sure.

Northcutt, Jiang & Chuang (2021), Confident learning: estimating uncertainty in dataset labels, Journal of Artificial
Intelligence Research 70. Theirs counts classes against each other; here faces are only put in order, since a person
looks at them anyway.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from maskwise.data.audit.folds import Codes


def confidences(scores: NDArray[np.float64], target: Codes) -> NDArray[np.float64]:
    """Turn scores into probabilities by one small logistic fit: (n, k), rows sum to 1.

    Args:
        scores: (n, k) from models that did not see their face; the fit on top has only k * (k + 1) numbers.
        target: (n,) labels as the data gives them, all k of them present.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(LogisticRegression(max_iter=500).fit(scores, target).predict_proba(scores), np.float64)


def suspicion(probabilities: NDArray[np.float64], target: Codes) -> NDArray[np.float64]:
    """(n,) from -1 to 1: by how much another class is likelier than the label; above 0 the label is contradicted."""
    each = np.arange(len(target))
    own = probabilities[each, target]
    others = probabilities.copy()
    others[each, target] = -1
    return np.asarray(others.max(axis=1) - own, np.float64)
