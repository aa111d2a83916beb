"""Write COCO: annotations/instances_SPLIT.json and images/NAME.

What COCO has no place for (groups, kinds, provenance, whole pictures) goes under one key of its own in each annotation,
which other programs pass over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from maskwise.data.formats.coco import OWN, OWN_WORDS
from maskwise.data.schema import SPLITS
from maskwise.data.writing.scenes import Face, Scene
from maskwise.values import LABELS

PICTURES = "images"


def write_coco(scenes: Sequence[Scene], folder: Path) -> None:
    """Write one JSON for each split that occurs, and instances.json for what has none.

    Ids count from 1 through all files. Boxes are differences of float32 corners in full: they read back the same.

    Raises:
        OSError: a file cannot be written.
    """
    present = {face.label for scene in scenes for face in scene.faces}
    labels = [label for label in LABELS if label in present]
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    numbered, first = list(enumerate(scenes, start=1)), 1
    for split in (None, *SPLITS):
        images, annotations = _entries(numbered, split, labels, first)
        first += len(annotations)
        if annotations:
            content = {
                "info": {"description": "face masks, written by maskwise", "version": version("maskwise")},
                "images": images,
                "annotations": annotations,
                "categories": [{"id": i, "name": name, "supercategory": "face"} for i, name in enumerate(labels, 1)],
            }
            name = f"instances_{split}.json" if split else "instances.json"
            (folder / "annotations" / name).write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def _entries(
    numbered: Sequence[tuple[int, Scene]], split: str | None, labels: Sequence[str], first: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Images and annotations of one split; the ids of the annotations count from `first`."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, scene in numbered:
        faces = [face for face in scene.faces if face.split == split]
        if faces:
            images.append({"id": number, "file_name": scene.name, "width": scene.width, "height": scene.height})
        for face in faces:
            ids = {
                "id": first + len(annotations),
                "image_id": number,
                "category_id": labels.index(face.label) + 1,
            }
            annotations.append(ids | _about(scene, face))
    return images, annotations


def _about(scene: Scene, face: Face) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = scene.box_of(face)
    width, height = x_max - x_min, y_max - y_min
    bbox = [_number(side) for side in (x_min, y_min, width, height)]
    own: dict[str, Any] = {word: getattr(face, word) for word in OWN_WORDS if getattr(face, word)}
    own |= {} if face.box_xyxy else {"whole_picture": True}
    # Some programs insist on `segmentation`; empty, it claims no outline.
    entry = {"bbox": bbox, "area": _number(width * height), "iscrowd": 0, "segmentation": []}
    return entry | ({OWN: own} if own else {})


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
