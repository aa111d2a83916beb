"""Write PASCAL VOC: Annotations/NAME.xml, JPEGImages/NAME and ImageSets/Main/SPLIT.txt."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from maskwise.data.writing.companions import word_of, write_companions
from maskwise.data.writing.scenes import Face, Scene, decimal_float32

PICTURES = "JPEGImages"

_SETS = {"train": "train", "validation": "val", "test": "test"}


def write_voc(scenes: Sequence[Scene], folder: Path) -> None:
    """Write an annotation for each picture, lists of the splits, and the tables of `write_companions`.

    Boxes are written as the shortest decimals that read back as the same float32.

    Raises:
        DataError: see write_companions.
        OSError: a file cannot be written.
    """
    for scene in scenes:
        root = _annotation(scene)
        ET.indent(root)
        target = folder / "Annotations" / PurePosixPath(scene.name).with_suffix(".xml")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    _write_sets(scenes, folder / "ImageSets" / "Main")
    write_companions(scenes, folder)


def _annotation(scene: Scene) -> ET.Element:
    """The fields that VOC's own annotations have, in their order."""
    name, root = PurePosixPath(scene.name), ET.Element("annotation")
    _add(root, "folder", str(PICTURES / name.parent))
    _add(root, "filename", name.name)
    _add(ET.SubElement(root, "source"), "database", scene.source)
    size = ET.SubElement(root, "size")
    for side, pixels in (("width", scene.width), ("height", scene.height), ("depth", 3)):
        _add(size, side, str(pixels))
    _add(root, "segmented", "0")
    for face in scene.faces:
        _add_object(root, scene, face)
    return root


def _add_object(root: ET.Element, scene: Scene, face: Face) -> None:
    thing = ET.SubElement(root, "object")
    for tag, text in (("name", face.label), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        _add(thing, tag, text)
    box = ET.SubElement(thing, "bndbox")
    for tag, side in zip(("xmin", "ymin", "xmax", "ymax"), scene.box_of(face), strict=True):
        _add(box, tag, decimal_float32(side))


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _write_sets(scenes: Sequence[Scene], folder: Path) -> None:
    """Names without suffix of each split's pictures; other programs train and test by these."""
    for split, name in _SETS.items():
        stems = [str(PurePosixPath(scene.name).with_suffix("")) for scene in scenes if word_of(scene, "split") == split]
        if stems:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
