"""PASCAL VOC: one XML for each picture, with a box for each face."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import polars as pl

from maskwise.data.formats.companions import Companions
from maskwise.data.formats.files import files_below
from maskwise.data.formats.found import Found, Row
from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.data.formats.scenes import ANNOTATION_FOLDERS, PICTURE_FOLDERS, Pictures, folder_named
from maskwise.errors import DataError


def is_voc(folder: Path) -> bool:
    """Whether there is a folder of XML annotations."""
    inner = folder_named(folder, ANNOTATION_FOLDERS)
    return inner is not None and any(path.suffix.lower() == ".xml" for path in files_below(inner))


def find_voc(folder: Path, labels: Labels) -> Found:
    """Every face box of every annotation.

    An annotation that cannot be read, or whose picture is missing, becomes a row with its reason.

    Raises:
        DataError: the folders are not there.
        LabelError: a class name that is not known.
    """
    annotations, images = folder_named(folder, ANNOTATION_FOLDERS), folder_named(folder, PICTURE_FOLDERS)
    if annotations is None or images is None:
        raise DataError(f"{folder}: VOC needs the folders annotations (XML) and images; name or move them so")
    pictures, beside = Pictures(images), Companions(folder)
    found, ignored = Found(), Counter[str]()
    for path in files_below(annotations):
        if path.suffix.lower() != ".xml" or path.name.startswith("."):
            continue
        inner = path.relative_to(annotations).parent
        found.rows += [beside.complete(row, images) for row in _rows(path, inner, pictures, labels, ignored)]
    note = pictures.unused({row.path for row in found.rows})
    found.notes += [note] if note else []
    found.notes += [f"{count} boxes of {name!r} are left out, as asked" for name, count in ignored.items()]
    return found


def check_sizes(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows whose picture has another size than their annotation says the reason: their boxes would lie wrong."""
    said_width, said_height = pl.col("said_width"), pl.col("said_height")
    differs = (said_width != pl.col("width")) | (said_height != pl.col("height"))
    reason = pl.format(
        "the annotation is for {} x {} pixels, the upright picture has {} x {}; annotate it again or correct <size>",
        said_width, said_height, "width", "height",
    )  # fmt: skip
    return rows.with_columns(error=pl.coalesce("error", pl.when(differs).then(reason)))


class _NoDocumentType(ET.TreeBuilder):
    """Refuses document types: only they can define entities, which may grow without bound or name other files."""

    def doctype(self, name: str, _pubid: str | None, _system: str | None) -> None:
        raise DataError(f"has a document type ({name}); remove the DOCTYPE line")


def parse(data: bytes) -> ET.Element:
    """Parse an annotation.

    Raises:
        DataError: not well-formed XML, or with a document type; does not name the file.
    """
    try:
        return ET.fromstring(data, parser=ET.XMLParser(target=_NoDocumentType()))  # noqa: S314 - see _NoDocumentType
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise DataError(f"is not well-formed XML ({error}); correct it") from error


def _rows(path: Path, inner: Path, pictures: Pictures, labels: Labels, ignored: Counter[str]) -> list[Row]:
    try:
        root = parse(path.read_bytes())
    except (DataError, OSError) as error:
        picture = _stemmed(path, inner, pictures) or pictures.folder / path.with_suffix(".jpg").name
        return [Row(picture, None, error=f"its annotation {path.name} {error}")]
    picture = _picture(root, path, inner, pictures)
    rows = []
    for thing in root.iter("object"):
        name = (thing.findtext("name") or "").strip()
        label = labels.get(name, str(path))
        if label == IGNORE:
            ignored[name] += 1
            continue
        box = _box(thing)
        why = None if box else f"an object {name!r} in {path.name} has no readable bndbox; correct it"
        rows.append(Row(picture, label, box, error=why, said_size=_size(root)))
    return rows


def _picture(root: ET.Element, path: Path, inner: Path, pictures: Pictures) -> Path:
    """The annotated picture, first where its annotation lies; a written folder was that of another machine."""
    name = (root.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    return (
        pictures.named(str(inner / name))
        or pictures.named(name)
        or pictures.stemmed(name.rpartition(".")[0])
        or _stemmed(path, inner, pictures)
        or pictures.folder / (name or path.with_suffix(".jpg").name)
    )


def _stemmed(path: Path, inner: Path, pictures: Pictures) -> Path | None:
    return pictures.stemmed(str(inner / path.stem)) or pictures.stemmed(path.stem)


def _box(thing: ET.Element) -> tuple[float, float, float, float] | None:
    try:
        x_min, y_min, x_max, y_max = (
            float(thing.findtext(f"bndbox/{side}") or "nothing") for side in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        return None
    return x_min, y_min, x_max, y_max


def _size(root: ET.Element) -> tuple[int, int] | None:
    """What the annotation says of the picture's size; some programs write 0 for not known."""
    try:
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None
