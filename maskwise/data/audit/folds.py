"""Answers of a model about faces that it was not trained on: every face is left out once, with its whole group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
FIT_ON = 6000
"""At most so many faces are fitted on in each fold: the answer hardly changes, the time would."""

Features = NDArray[np.float32]
Codes = NDArray[np.int64]


def out_of_fold(
    features: Features, target: Codes, groups: Codes, make: Callable[[int], Any], seed: int = 0
) -> NDArray[np.float64]:
    """Scores of every class for every face.

    Args:
        features: (n, d).
        target: (n,) classes 0 to k - 1, each in at least two groups.
        groups: (n,) faces with one number are left out together.
        make: from how many faces it is to be fitted on to a fresh scikit-learn classifier.
        seed: of the folds and of who is fitted on.

    Returns:
        (n, k) higher for likelier.
    """
    folds = StratifiedGroupKFold(min(FOLDS, _rarest(target, groups)), shuffle=True, random_state=seed)
    scores = np.zeros((len(target), int(target.max()) + 1))
    rng = np.random.default_rng(seed)
    for train, left_out in folds.split(features, target, groups):
        drawn = rng.permutation(train)[:FIT_ON]
        model = make(len(drawn)).fit(features[drawn], target[drawn])
        scores[np.ix_(left_out, model.classes_)] = _scores(model, features[left_out])
    return scores


def can_be_folded(target: Codes, groups: Codes) -> bool:
    """Whether there are two classes, each in at least two groups."""
    return len(np.unique(target)) >= 2 and _rarest(target, groups) >= 2


def _rarest(target: Codes, groups: Codes) -> int:
    """In how many groups the class with the fewest occurs."""
    return min(len(np.unique(groups[target == c])) for c in np.unique(target))


def _scores(model: Any, features: Features) -> NDArray[np.float64]:
    if hasattr(model, "n_jobs"):
        model.n_jobs = 1  # threads add up the trees in the order in which they end, and rounding tells
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(features), np.float64)
    values = np.asarray(model.decision_function(features), np.float64)
    return np.stack([-values, values], axis=1) if values.ndim == 1 else values
