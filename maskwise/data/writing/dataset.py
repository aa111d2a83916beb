"""From a manifest to a folder in some format, and what is told about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from maskwise.data.manifest import Manifest
from maskwise.data.writing import classes, coco, csv_, manifest, voc, yolo
from maskwise.data.writing.companions import write_csv
from maskwise.data.writing.folder import check_new, new_folder
from maskwise.data.writing.names import picture_names
from maskwise.data.writing.pictures import MODES, Placer
from maskwise.data.writing.scenes import Scene, scenes_of, with_own_groups
from maskwise.errors import ConfigError, DataError

FORMATS = ("voc", "yolo", "coco", "csv", "classes", "manifest")
"""What can be written."""

Progress = Callable[[int, int], None]

_WRITERS: dict[str, tuple[str, Callable[[Sequence[Scene], Path], None]]] = {
    "voc": (voc.PICTURES, voc.write_voc),
    "yolo": (yolo.PICTURES, yolo.write_yolo),
    "coco": (coco.PICTURES, coco.write_coco),
    "csv": (csv_.PICTURES, csv_.write_table),
}
_LOST = {"voc": ("kind", "origin"), "yolo": ("kind", "origin"), "classes": ("kind", "origin"), "coco": (), "csv": ()}
"""Columns for which neither a format nor the tables beside it have a place."""


def check_request(output: Path, to: str, pictures: str = "copy", crop: bool = False) -> None:
    """Refuse what cannot be written before a long reading, not after it.

    Raises:
        ConfigError: a format or way that is not known, two that do not go together, or a folder that is taken.
    """
    if to not in FORMATS:
        raise ConfigError(f"--to {to!r} is not known; use one of {', '.join(FORMATS)}")
    if pictures not in MODES:
        raise ConfigError(f"--pictures {pictures!r} is not known; use one of {', '.join(MODES)}")
    if crop and to != "classes":
        raise ConfigError(f"--crop cuts faces out for class folders; {to} keeps their boxes: leave it out")
    if to == "classes" and pictures == "none":
        raise ConfigError("--pictures none: class folders consist of pictures; use copy or link")
    check_new(output)


def write_dataset(
    data: Manifest,
    output: Path,
    *,
    to: str,
    pictures: str = "copy",
    crop: bool = False,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Write a data set; the folder is there whole, or not at all. The same manifest writes the same bytes.

    Args:
        data: what is written; rows that cannot be used are left out and told, but for a manifest.
        output: the folder; not there yet, or empty.
        to: one of FORMATS.
        pictures: `copy`; `link`, hard links where they can be; or `none`, annotations only.
        crop: cut each face with a box out, for class folders.
        progress: called with (pictures done, pictures).
        say: hears a line about whatever is lost or changed.

    Raises:
        ConfigError: see check_request.
        DataError: no usable row, or something that the format cannot hold and that must not be lost.
        ImageError: a picture that can no longer be read.
        StorageError: the folder cannot be written.
    """
    check_request(output, to, pictures, crop)
    _check_rows(data, to, crop)
    with new_folder(output) as folder:
        placer = _write(data, folder, to, pictures, progress)
    for note in (*_losses(data, to), *_changes(placer, to, pictures)):
        (say or (lambda _: None))(note)


def _check_rows(data: Manifest, to: str, crop: bool) -> None:
    if not data.usable.height:
        raise DataError(f"nothing to write: none of {data.rows.height} rows is usable; look at their errors")
    boxes = data.usable.filter(pl.col("x_min").is_not_null()).height
    if to == "classes" and boxes and not crop:
        raise DataError(
            f"{boxes} of {data.usable.height} rows have a box, for which class folders have no place; cut the faces "
            "out with --crop, or convert to voc, yolo, coco, csv or manifest"
        )


def _write(data: Manifest, folder: Path, to: str, mode: str, progress: Progress | None) -> Placer:
    if to == "classes":
        placer = Placer(folder, mode)
        classes.write_classes(with_own_groups(data.usable), folder, placer, progress)
        return placer
    inside, write = _WRITERS.get(to, (manifest.PICTURES, None))
    placer = Placer(folder / inside, mode)
    names = placer.place_all(picture_names(data.usable.select("source", "path").rows()), progress)
    if mode == "none" and to in ("voc", "yolo"):
        write_csv(folder / "pictures.csv", ("image", "path"), sorted((name, path) for path, name in names.items()))
    elif mode == "none":
        names = {path: path for path in names} if write else {}
    if write:
        write(scenes_of(with_own_groups(data.usable), names), folder)
    else:
        manifest.write_manifest(data, names, placer.turned if names else {}, folder)
    return placer


def _losses(data: Manifest, to: str) -> Iterator[str]:
    """What the format has no place for, in one line."""
    if to == "manifest":
        return
    usable, lost = data.usable, []
    if data.unusable.height:
        lost.append(f"{data.unusable.height} rows that cannot be used")
    if to == "classes" and usable["x_min"].count():
        lost.append(f"the boxes of {usable['x_min'].count()} faces, which are cut out with a margin")
    lost += [f"{column} ({usable[column].count()} rows)" for column in _LOST[to] if usable[column].count()]
    if usable["source"].n_unique() > 1:
        lost.append(f"sources ({usable['source'].n_unique()} become one, each in a folder of its own)")
    whole = usable["x_min"].null_count()
    if whole and to in ("voc", "yolo"):
        lost.append(f"that {whole} faces are whole pictures (their edges become the box)")
    if lost:
        yield f"{to} does not hold {'; '.join(lost)}"


def _changes(placer: Placer, to: str, mode: str) -> Iterator[str]:
    turned = f"{len(placer.turned)} pictures that their EXIF block turns"
    if placer.turned and mode == "none":
        yield f"{turned}: the boxes fit them upright, and not as programs that pass over the block see them"
    elif placer.turned:
        yield f"{turned} are written anew, upright, so that the boxes fit in every program"
    if placer.unlinked:
        yield f"{placer.unlinked} pictures could not be linked and are copied"
    if mode == "none" and to in ("voc", "yolo"):
        yield f"no pictures are written: put those of pictures.csv into {_WRITERS[to][0]}/ under their names there"
