"""What looks at frames, shared by all streams that want the same."""

from __future__ import annotations

import threading

from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import folder_of
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet


class Pipelines:
    """Made when first asked for; networks are loaded once, and each look takes one core.

    Several streams look side by side: a look that took every core would only get into the way of the others.
    """

    def __init__(self, model: str) -> None:
        """model: folder of the artifact, or `default`."""
        self._model, self._lock = model, threading.Lock()
        self._classify: MaskClassifier | None = None
        self._detect: dict[int, YuNet] = {}

    def get(self, min_face_px: int, operating_point: str | None) -> Pipeline:
        """One for faces of this size, at this operating point.

        Raises:
            ArtifactError: no sound model.
            ConfigError: the model has no such operating point.
        """
        with self._lock:
            if self._classify is None:
                self._classify = MaskClassifier.load(folder_of(self._model), threads=1)
            thresholds = self._classify.card.thresholds_at(operating_point)
            if min_face_px not in self._detect:
                self._detect[min_face_px] = YuNet(min_face_px=min_face_px, threads=1)
            return Pipeline(self._detect[min_face_px], self._classify, thresholds)
