"""What is answered about one picture: the one JSON of maskwise, and what the service adds to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from maskwise.errors import ImageError
from maskwise.inference.overlay import draw
from maskwise.model.verdict import Thresholds
from maskwise.serving.checking.looking import Looked, Seen
from maskwise.stream.outputs.blur import Blur, blurred, hides
from maskwise.values import INCORRECT, MASKED, UNMASKED, FrameResult, Verdict

JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Wish:
    """How a request wants its pictures judged and shown.

    thresholds: which answer to give, and when none.
    annotated: draw the verdicts into the picture.
    blur: whose face is hidden in that drawing.
    """

    thresholds: Thresholds
    annotated: bool = False
    blur: Blur = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What is said about one picture.

    json: UTF-8, ready to be sent.
    verdicts: of its faces, in their order.
    jpeg: with the verdicts drawn in, if that was wished.
    error: why it could not be looked at.
    """

    json: bytes
    verdicts: tuple[Verdict, ...] = ()
    jpeg: bytes | None = None
    error: str | None = None


def answer(looked: Looked, name: str, index: int, labels: tuple[str, ...], wish: Wish) -> Answer:
    """Everything that is answered about one picture.

    Args:
        looked: what was measured.
        name: of the file.
        index: position in its request.
        labels: the model's classes.
        wish: of the request.
    """
    if isinstance(looked, ImageError):
        return failed(str(looked), name, index, labels)
    seen, probabilities = looked
    result = seen.decided(probabilities, labels, wish.thresholds)
    content = result_json(result)
    jpeg = _drawn(seen, result, wish.blur) if wish.annotated else None
    if jpeg is not None:
        content["annotated_jpeg"] = base64.b64encode(jpeg).decode()
    return Answer(_bytes(content), result.verdicts, jpeg)


def failed(error: str, name: str, index: int, labels: tuple[str, ...]) -> Answer:
    """A picture that could not be looked at: its row has the reason."""
    return Answer(_bytes(result_json(FrameResult.failed(name, index, error, labels))), error=error)


def result_json(result: FrameResult) -> dict[str, Any]:
    """The one JSON of maskwise, with two answers more for each face."""
    content = result.to_json()
    for face, row in zip(content["faces"], result.probabilities.astype(np.float64), strict=True):
        p = dict(zip(result.labels, row.tolist(), strict=True))
        face["mask_present"] = _said(1 - p[UNMASKED] if UNMASKED in p else 1.0)
        face["nose_and_mouth_covered"] = _said(p.get(MASKED, 0.0))
    return content


def _said(p: float) -> dict[str, Any]:
    """Yes or no, and the probability of what is said."""
    return {"value": p >= 0.5, "confidence": round(min(max(p, 1 - p, 0.0), 1.0), 4)}


def summary(answers: Sequence[Answer], min_confidence: float) -> dict[str, Any]:
    """Who wears a mask, who does not, and of whom that cannot be said with the confidence asked for.

    Args:
        answers: one for each picture.
        min_confidence: in [0, 1]; a verdict below it, and `uncertain`, is indeterminate.
    """
    sorted_: dict[str, list[dict[str, int]]] = {"with_mask": [], "without_mask": [], "indeterminate": []}
    groups = {MASKED: "with_mask", INCORRECT: "without_mask", UNMASKED: "without_mask"}
    for picture, one in enumerate(answers):
        for face, verdict in enumerate(one.verdicts):
            sure = verdict.confidence >= min_confidence
            group = groups.get(verdict.label, "indeterminate") if sure else "indeterminate"
            sorted_[group].append({"picture": picture, "face": face})
    return {"min_confidence": min_confidence, **sorted_}


def _drawn(seen: Seen, result: FrameResult, blur: Blur) -> bytes | None:
    if seen.image is None:
        return None
    faces = zip(result.faces.boxes_xyxy, result.verdicts, strict=True)
    hidden = blurred(seen.image, (box for box, verdict in faces if hides(blur, verdict.label)))
    bgr = cv2.cvtColor(draw(hidden, result), cv2.COLOR_RGB2BGR)
    fits, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes() if fits else None


def _bytes(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
