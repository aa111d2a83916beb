"""From a path to a manifest: choose the format, find the rows, read the pictures, check the boxes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from maskwise.data import manifest as manifests
from maskwise.data.complete import check_boxes, read_pictures
from maskwise.data.formats.columns import is_manifest, is_table
from maskwise.data.formats.files import entries, files_below, folders_in, is_file, kinds
from maskwise.data.formats.finding import detect, find_rows, manifest_in
from maskwise.data.formats.folders import find_pictures
from maskwise.data.formats.found import Found, as_stored, table
from maskwise.data.formats.labels import Labels
from maskwise.data.formats.voc import check_sizes
from maskwise.data.formats.yolo import to_pixels
from maskwise.data.manifest import Manifest
from maskwise.errors import ConfigError, DataError
from maskwise.values import LABELS

FORMATS = ("auto", "classes", "identities", "voc", "yolo", "coco", "csv", "manifest")
_LAYOUTS = """What can be read:
  classes     DATA/with_mask/a.jpg, DATA/without_mask/b.jpg
  identities  DATA/masked/PERSON/a.jpg, DATA/unmasked/PERSON/b.jpg
  voc         DATA/annotations/a.xml, DATA/images/a.jpg
  yolo        DATA/labels/a.txt, DATA/images/a.jpg, DATA/classes.txt
  coco        DATA/annotations/train.json (images, annotations, categories), DATA/images/a.jpg
  csv         DATA/boxes.csv (filename,class,xmin,ymin,xmax,ymax), DATA/images/a.jpg
  manifest    DATA.csv or DATA.parquet with the columns path and label
Move the files so, or say what folders mean with --alias 'FOLDER=masked'."""

Progress = Callable[[int, int], None]
Say = Callable[[str], None]


def read_all(
    paths: Sequence[str | Path],
    *,
    format: str = "auto",
    source: str | None = None,
    aliases: Mapping[str, str] | None = None,
    classes: Sequence[str] | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Manifest:
    """Several data sets as one; see `read_dataset`.

    Without `source`, each is called after its folder; where two folders have the same name, their parents' go before.

    Raises:
        DataError: see `read_dataset`; or one data set named twice.
    """
    places = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve() would follow links
    for place in places:
        if places.count(place) > 1:
            raise DataError(f"{place} is named twice; name each data set once")
    sources = [source or (None if is_file(place) else _source_name(place, places)) for place in places]
    return manifests.concat(
        [
            read_dataset(
                place,
                format=format,
                source=name,
                aliases=aliases,
                classes=classes,
                cache=cache,
                progress=progress,
                say=say,
            )
            for place, name in zip(places, sources, strict=True)
        ]
    )


def read_dataset(
    path: str | Path,
    *,
    format: str = "auto",
    source: str | None = None,
    label: str | None = None,
    aliases: Mapping[str, str] | None = None,
    classes: Sequence[str] | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Manifest:
    """Read one data set; every picture is decoded once to prove that it can be.

    Args:
        path: a folder, a manifest, or the JSON or CSV of a data set of the format coco or csv.
        format: one of FORMATS.
        source: what the data set is called; None takes the folder's name.
        label: the class of every picture below the folder, whatever its layout; None reads the classes from it.
        aliases: what class names of the data stand for: a class, or `ignore`.
        classes: YOLO's class names in the order of their numbers.
        cache: folder of the cache for what is read; None keeps none.
        progress: called with (pictures read, pictures to read).
        say: hears a line about whatever was left out.

    Returns:
        Rows sorted by path and box; what cannot be used is there, with its reason.

    Raises:
        DataError: no data set that can be read; says what was found, what can be read and what to do.
        LabelError: a class name that is not known.
        ConfigError: a format that is not known.
    """
    place = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    labels = Labels(aliases)
    if label is not None and label not in LABELS:
        raise ConfigError(f"label {label!r} is not a class; use one of {', '.join(LABELS)}")
    format = "classes" if label else _choose(place, format, labels)
    if format == "manifest":
        loaded = manifests.load(manifest_in(place) or place, cache=cache, progress=progress)
        return Manifest(loaded.rows.with_columns(source=pl.lit(source))) if source else loaded
    name = source or (place.stem if is_file(place) else place.name)
    found = find_pictures(place, label) if label else find_rows(place, format, labels, classes)
    rows = read_pictures(table(found.rows, name), cache=cache, progress=progress)
    rows = check_boxes(as_stored(to_pixels(rows) if format == "yolo" else check_sizes(rows)))
    manifest = Manifest(rows)
    _tell(manifest, found, name, say or (lambda _: None))
    if not rows.height:
        raise DataError(f"{place}: no picture with a class is left of this data set. {_LAYOUTS}")
    return manifest


def _choose(place: Path, format: str, labels: Labels) -> str:
    if format not in FORMATS:
        raise ConfigError(f"format {format!r} is not known; use one of {', '.join(FORMATS)}")
    if is_file(place):
        return _choose_file(place, format)
    entries(place)  # says what is wrong with a folder that is not there or is closed
    if format == "manifest" and not manifest_in(place):
        raise DataError(f"{place} is a folder; a manifest is a .csv or .parquet file: name that")
    chosen = detect(place, labels) if format == "auto" else format
    if chosen is None:
        raise DataError(f"{place}: not laid out in a way that is known; {_seen(place, labels)}. {_LAYOUTS}")
    return chosen


def _choose_file(path: Path, format: str) -> str:
    formats = {".parquet": ("manifest",), ".csv": ("csv", "manifest"), ".json": ("coco",)}.get(path.suffix.lower(), ())
    if not formats:
        raise DataError(f"{path}: a file has to be a manifest, .csv or .parquet, or COCO's .json. {_LAYOUTS}")
    if format in formats:
        return format
    if format != "auto":
        raise DataError(f"{path} is a file, but data of the format {format} is a folder; name the folder")
    if formats != ("csv", "manifest") or is_manifest(path):
        return formats[-1]
    if is_table(path):
        return "csv"
    raise DataError(
        f"{path}: neither a manifest nor a table of boxes; its first line has to name the columns path,label or "
        "filename,class,xmin,ymin,xmax,ymax with commas between, or be path,x1,y1,x2,y2,class"
    )


def _seen(place: Path, labels: Labels) -> str:
    """What there is instead of a known layout."""
    files = list(files_below(place))
    if not files:
        return "the folder is empty"
    inner = folders_in(place)
    inside = next((folder for folder in inner if detect(folder, labels)), None)
    if inside:
        return f"but {inside} is: name that folder"
    names = ", ".join(repr(folder.name) for folder in inner[:8]) + (" ..." if len(inner) > 8 else "")
    return f"found {kinds(files)} in {f'the folders {names}' if inner else 'no folders'}"


def _tell(manifest: Manifest, found: Found, name: str, say: Say) -> None:
    for note in found.notes:
        say(f"{name}: {note}")
    if manifest.unusable.height:
        say(f"{name}: {manifest.unusable.height} of {manifest.rows.height} rows cannot be used; each keeps its reason")


def _source_name(place: Path, places: Sequence[Path]) -> str:
    """The shortest end of the path that no other data set has."""
    for length in range(1, len(place.parts)):
        end = place.parts[-length:]
        if sum(other.parts[-length:] == end for other in places) == 1:
            return "/".join(end)
    return place.name
