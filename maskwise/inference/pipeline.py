"""One frame in, one result out."""

from __future__ import annotations

from maskwise.inference.explain import Evidence, explain
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import Cut, crop_faces
from maskwise.model.faces import FaceDetector
from maskwise.model.quality import quality_of
from maskwise.model.verdict import Thresholds, decide
from maskwise.values import UNCERTAIN, Frame, FrameResult


class Pipeline:
    """Find the faces, cut them out as in training, judge each."""

    def __init__(
        self,
        detect: FaceDetector,
        classify: MaskClassifier,
        thresholds: Thresholds | None = None,
        cut: Cut = crop_faces,
    ) -> None:
        """thresholds: which answer to give and when none, the artifact's own if None; cut: how faces are cut out."""
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
        quality = quality_of(faces, crops, width, height)
        verdicts = decide(probabilities, quality, self.labels, self.thresholds)
        return FrameResult(
            frame.source, frame.index, frame.time_s, width, height, faces, self.labels, probabilities, verdicts
        )

    def explain(self, frame: Frame, result: FrameResult) -> tuple[Evidence, ...]:
        """Where in each face the answer comes from, in the order of the result's faces.

        Explained is the verdict; the likeliest class where it is `uncertain`.

        Args:
            frame: the frame that was looked at.
            result: what was said about it.
        """
        crops = self.cut(frame.image, result.faces.boxes_xyxy, self.classify.card.crop)
        likeliest = result.probabilities.argmax(axis=1)
        answers = (
            self.labels[best] if verdict.label == UNCERTAIN else verdict.label
            for best, verdict in zip(likeliest, result.verdicts, strict=True)
        )
        return tuple(explain(self.classify, crop, answer) for crop, answer in zip(crops, answers, strict=True))
