"""Shortcut probes: how well the class is told by something that says nothing about masks.

A probe is a forest of random trees that sees one thing only. What it reaches above guessing, a network can reach
without having looked at a mask, and on pictures from elsewhere it will not. The last line, the face itself, is what to
compare with: a plain classifier on edges and colours of the whole face.

Torralba & Efros (2011), Unbiased look at dataset bias, CVPR.
Geirhos et al. (2020), Shortcut learning in deep neural networks, Nature Machine Intelligence 2.
Geurts, Ernst & Wehenkel (2006), Extremely randomized trees, Machine Learning 63.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from maskwise.data.audit.folds import Codes, Features, out_of_fold
from maskwise.data.audit.look import Records
from maskwise.statistics.intervals import mean_recall, proportion
from maskwise.statistics.metrics import Figure

AT_MOST = 20_000
"""Faces that a probe looks at; whole groups are drawn."""

TREES, COMPONENTS = 200, 150
RED, AMBER = 0.8, 0.5
"""Shares of what the face itself reaches above guessing, from which a probe is a red line, and a caution."""

BORDER_PX = 3  # of a 16 x 16 thumbnail: the middle 10 x 10 with mouth and nose stays hidden

SEES = {
    "metadata": "nothing but the file (width, height, bytes, format, compression tables)",
    "thumbnail": "nothing but a thumbnail of 16 x 16 pixels",
    "border": "nothing but a border around the face (nose and mouth hidden)",
    "colours": "nothing but how much there is of 64 colours (not where)",
    "box": "nothing but where the box lies and how large it is",
    "source": "nothing but the name of the source",
    "face": "the whole face: edges and colours, a plain classifier without a deep network",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe's score, cross-validated by group.

    name: a key of SEES.
    accuracy, balanced_accuracy: with intervals.
    level: `red`, `amber` or `green`; the face itself is always green.
    """

    name: str
    accuracy: Figure
    balanced_accuracy: Figure
    level: str = "green"

    def to_json(self) -> dict[str, Any]:
        """What audit.json holds of it."""
        return {
            "name": self.name,
            "sees": SEES[self.name],
            "accuracy": self.accuracy.to_json(),
            "balanced_accuracy": self.balanced_accuracy.to_json(),
            "level": self.level,
        }


def forest(_faces: int) -> ExtraTreesClassifier:
    """What every probe is: it takes numbers of any kind and scale, and needs no tuning."""
    return ExtraTreesClassifier(TREES, min_samples_leaf=2, class_weight="balanced", n_jobs=-1, random_state=0)


def face_classifier(faces: int) -> Any:
    """A plain classifier of whole faces, fitted on so many: principal components, then a support vector machine."""
    return make_pipeline(PCA(min(COMPONENTS, faces), random_state=0), SVC(C=3, class_weight="balanced"))


def face_features(faces: Records) -> Features:
    """(n, 1092) edges and colours of whole faces."""
    hog, lab = faces["hog"], faces["lab"].reshape(len(faces), -1)
    features = np.empty((len(faces), hog.shape[1] + lab.shape[1]), np.float32)
    features[:, : hog.shape[1]] = hog  # filled in place: a second copy of these is what would take most memory
    features[:, hog.shape[1] :] = lab
    features[:, hog.shape[1] :] *= np.float32(2.5 / 255)
    features[:, hog.shape[1] :] -= np.float32(1.25)
    return features


def probe_features(
    headers: Features, faces: Records, sources: Codes, boxes: Features
) -> dict[str, Callable[[Codes], Features]]:
    """What each probe sees of the faces that it is asked about; probes that would see nothing are left out.

    Args:
        headers: (n, 13) of the picture of each face.
        faces: (n,) FACE records.
        sources: (n,) number of each face's source.
        boxes: (n, 4) shares of the picture's width and height: centre and size; nan without a box.
    """
    ring = np.ones((16, 16), bool)
    ring[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    sees: dict[str, Callable[[Codes], Features]] = {
        "metadata": lambda i: headers[i],
        "thumbnail": lambda i: faces["thumbnail"][i].reshape(len(i), -1).astype(np.float32),
        "border": lambda i: faces["thumbnail"][i][:, ring].reshape(len(i), -1).astype(np.float32),
        "colours": lambda i: faces["histogram"][i].astype(np.float32),
    }
    if not np.isnan(boxes).all():
        sees["box"] = lambda i: np.nan_to_num(boxes[i], nan=-1)
    if len(np.unique(sources)) > 1:
        sees["source"] = lambda i: (sources[i, None] == np.unique(sources)).astype(np.float32)
    return sees


def run_probes(
    sees: dict[str, Callable[[Codes], Features]],
    face: tuple[Figure, Figure],
    target: Codes,
    groups: Codes,
    progress: Callable[[int, int], None] | None = None,
) -> list[Probe]:
    """Ask every probe.

    Args:
        sees: from `probe_features`.
        face: accuracy and balanced accuracy of the whole face.
        target: (n,) classes.
        groups: (n,) which faces belong together.
        progress: called with (probes done, probes).

    Returns:
        The probes in the order of SEES; `face` last.
    """
    drawn = draw(groups, AT_MOST)
    y, g = target[drawn], groups[drawn]
    guessing = 1 / len(np.unique(target))
    probes = []
    for number, (name, see) in enumerate(sees.items(), start=1):
        called = out_of_fold(see(drawn), y, g, forest).argmax(axis=1)
        accuracy, balanced = proportion(called == y, g), mean_recall(y, called, g)
        probes.append(Probe(name, accuracy, balanced, _level(balanced, face[1], guessing)))
        if progress:
            progress(number, len(sees))
    return [*probes, Probe("face", *face)]


def judge_faces(features: Features, target: Codes, groups: Codes) -> NDArray[np.float64]:
    """(n, k) scores of the plain classifier of whole faces, each face left out with its group."""
    return out_of_fold(features, target, groups, face_classifier)


def draw(groups: Codes, at_most: int, seed: int = 0) -> Codes:
    """Positions of at most so many faces, whole groups drawn by lot; all of them where they are fewer."""
    if len(groups) <= at_most:
        return np.arange(len(groups))
    lot = np.random.default_rng(seed).permutation(int(groups.max()) + 1)[groups]
    order = np.argsort(lot, kind="stable")[:at_most]
    return np.sort(order)


def _level(probe: Figure, face: Figure, guessing: float) -> str:
    """How much of what the face reaches above guessing the probe reaches, by the ends that speak for the data."""
    above = max(probe.low - guessing, 0.0)
    reached = above / max(face.value - guessing, 0.05)
    return "red" if reached >= RED else "amber" if reached >= AMBER else "green"
