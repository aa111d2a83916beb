"""Write CSV: annotations.csv with a line for each face, and images/NAME.

The first eight columns are those that TensorFlow's and Kaggle's tables have; others follow where they say something.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskwise.data.formats.columns import WORDS
from maskwise.data.writing.companions import write_csv
from maskwise.data.writing.scenes import Face, Scene, decimal_float32

PICTURES = "images"

_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


def write_table(scenes: Sequence[Scene], folder: Path) -> None:
    """Write annotations.csv; the box of a face that is the whole picture stays empty.

    Boxes are written as the shortest decimals that read back as the same float32.

    Raises:
        OSError: the file cannot be written.
    """
    words = [word for word in WORDS if any(getattr(face, word) for scene in scenes for face in scene.faces)]
    rows = (
        [*_cells(scene, face), *(getattr(face, word) or "" for word in words)]
        for scene in scenes
        for face in scene.faces
    )
    write_csv(folder / "annotations.csv", (*_COLUMNS, *words), rows)


def _cells(scene: Scene, face: Face) -> list[object]:
    box = [decimal_float32(side) for side in face.box_xyxy] if face.box_xyxy else [""] * 4
    return [scene.name, scene.width, scene.height, face.label, *box]
