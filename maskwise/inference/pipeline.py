"""One frame in, one result out."""

from __future__ import annotations

from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import Cut, crop_faces
from maskwise.model.faces import FaceDetector
from maskwise.model.verdict import Thresholds, decide
from maskwise.values import Frame, FrameResult


class Pipeline:
    """Find the faces, cut them out as in training, judge each."""

    def __init__(
        self,
        detect: FaceDetector,
        classify: MaskClassifier,
        thresholds: Thresholds | None = None,
        cut: Cut = crop_faces,
    ) -> None:
        """thresholds: when to say `uncertain`, the artifact's own if None; cut: how faces are cut out."""
        self.detect, self.cut, self.classify = detect, cut, classify
        self.thresholds = thresholds or classify.card.thresholds

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's classes."""
        return self.classify.labels

    def __call__(self, frame: Frame) -> FrameResult:
        """Everything that is said about one frame."""
        height, width = frame.image.shape[:2]
        faces = self.detect(frame.image)
        crops = self.cut(frame.image, faces.boxes_xyxy, self.classify.card.crop)
        probabilities = self.classify(crops)
        verdicts = decide(probabilities, faces, self.labels, self.thresholds)
        return FrameResult(
            frame.source, frame.index, frame.time_s, width, height, faces, self.labels, probabilities, verdicts
        )
