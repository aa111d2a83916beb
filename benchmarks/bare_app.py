"""What one writes first: FastAPI and ONNX Runtime, one picture a request. The reference of `serve_check`.

Same models, same detector looks and thresholds; sessions with their default threads. It limits, counts and batches
nothing. `python -m benchmarks.bare_app PORT` runs it.
"""

import sys
from typing import Annotated, Any

import cv2
import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import Body, FastAPI

from maskwise.model.any_size import any_size
from maskwise.model.artifact import folder_of, read_card
from maskwise.model.crops import crop_faces
from maskwise.model.faces import bundled_weights, scales

card = read_card(folder_of("default"))
detector = ort.InferenceSession(any_size(bundled_weights().read_bytes()))  # the file takes one size only
classifier = ort.InferenceSession(str(folder_of("default") / "model.onnx"))
app = FastAPI()


def detect(bgr: Any, scale: float) -> tuple[Any, Any]:
    """Boxes as x, y, width, height, and their scores."""
    small = bgr if scale == 1 else cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    small = cv2.copyMakeBorder(small, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT)
    names = [f"{kind}_{stride}" for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox")]
    maps = detector.run(names, {detector.get_inputs()[0].name: cv2.dnn.blobFromImage(small)})
    boxes, scores = [], []
    for i, stride in enumerate((8, 16, 32)):
        cls, obj, bbox = (m[0] for m in maps[3 * i : 3 * i + 3])
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        at = np.flatnonzero(score >= 0.6)
        columns = small.shape[1] // stride
        place = np.stack([at % columns, at // columns], axis=1)
        size = np.exp(bbox[at, 2:]) * stride
        boxes.append(np.concatenate([(place + bbox[at, :2]) * stride - size / 2, size], axis=1) / scale)
        scores.append(score[at])
    return np.concatenate(boxes), np.concatenate(scores)


@app.post("/check")
def check(body: Annotated[bytes, Body(media_type="image/jpeg")]) -> dict[str, Any]:
    """Faces and the probabilities of their classes."""
    bgr: Any = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    found = [detect(bgr, scale) for scale in scales(bgr.shape[1], bgr.shape[0])]
    boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, 0.4), np.int64).reshape(-1)
    corners = np.concatenate([boxes[kept, :2], boxes[kept, :2] + boxes[kept, 2:]], axis=1).astype(np.float32)
    if not len(corners):
        return {"faces": []}
    rgb: Any = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    crops = crop_faces(rgb, corners, card.crop)
    logits = classifier.run(None, {classifier.get_inputs()[0].name: card.preprocess(crops)})[0] / card.temperature
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = e / e.sum(axis=1, keepdims=True)
    return {
        "faces": [
            {"box_xyxy": box, "score": score, "probabilities": dict(zip(card.labels, row, strict=True))}
            for box, score, row in zip(corners.tolist(), scores[kept].tolist(), shares.tolist(), strict=True)
        ]
    }


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
