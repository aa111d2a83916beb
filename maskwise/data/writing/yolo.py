"""Write YOLO: labels/NAME.txt, images/NAME, classes.txt and data.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from maskwise.data.writing.companions import word_of, write_companions
from maskwise.data.writing.scenes import Scene, decimal
from maskwise.values import LABELS

PICTURES = "images"

_LISTS = {"train": "train", "validation": "val", "test": "test"}
"""What data.yaml calls the lists of each split's pictures."""


def write_yolo(scenes: Sequence[Scene], folder: Path) -> None:
    """Write a text for each picture, the names of the classes that occur, and the tables of `write_companions`.

    The shares have all their digits: our reader gets the same float32 pixels back. Only positions within a thousandth
    of a pixel of 0 may differ, by less than a millionth of one.

    Raises:
        DataError: see write_companions.
        OSError: a file cannot be written.
    """
    present = {face.label for scene in scenes for face in scene.faces}
    labels = [label for label in LABELS if label in present]
    for scene in scenes:
        target = folder / "labels" / PurePosixPath(scene.name).with_suffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{line}\n" for line in _lines(scene, labels)), encoding="utf-8")
    (folder / "classes.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    lists = _write_lists(scenes, folder) or [f"train: {PICTURES}"]
    yaml = [*lists, f"nc: {len(labels)}", f"names: [{', '.join(labels)}]"]
    (folder / "data.yaml").write_text("".join(f"{line}\n" for line in yaml), encoding="utf-8")
    write_companions(scenes, folder)


def _lines(scene: Scene, labels: Sequence[str]) -> list[str]:
    """Class number, then centre and size as shares of the picture."""
    lines = []
    for face in scene.faces:
        x_min, y_min, x_max, y_max = scene.box_of(face)
        shares = (
            (x_min + x_max) / 2 / scene.width,
            (y_min + y_max) / 2 / scene.height,
            (x_max - x_min) / scene.width,
            (y_max - y_min) / scene.height,
        )
        lines.append(" ".join([str(labels.index(face.label)), *map(decimal, shares)]))
    return lines


def _write_lists(scenes: Sequence[Scene], folder: Path) -> list[str]:
    """A list of each split's pictures, so that they can keep their folders; gives data.yaml's lines."""
    lines = []
    for split, name in _LISTS.items():
        names = [scene.name for scene in scenes if word_of(scene, "split") == split]
        if names:
            (folder / f"{name}.txt").write_text("".join(f"./{PICTURES}/{n}\n" for n in names), encoding="utf-8")
            lines.append(f"{name}: {name}.txt")
    return lines
