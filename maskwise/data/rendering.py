"""Rendered data sets: masks, hard negatives and the bare face, made of the bare faces of other data sets.

Each picture carries the provenance `rendered`, the hash of its original, and that original's group, so that no split
need part them. Names follow from content and settings: a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import polars as pl
from PIL import Image as Pillow

from maskwise.data.manifest import BOX, SCHEMA, Manifest
from maskwise.data.masks import Array
from maskwise.data.masks.faces import MIN_SIDE_PX, choose_face, find_faces, shrunk
from maskwise.data.masks.swatch import cut_swatch
from maskwise.data.masks.variants import Mix, Variant, draw
from maskwise.errors import ConfigError, DataError, ImageError
from maskwise.model.images import read_file, read_image
from maskwise.model.storage import written_whole
from maskwise.values import MASKED, UNMASKED, Faces, Image

QUALITY = 92
FEW = 24
"""With fewer pictures than this, starting processes takes longer than the work."""

_VERSION = 3  # raise it when the same settings come to give other pixels: the names change with it

FAILED = "cannot be read"
MANIFEST_NAME, TABLE_NAME, PICTURES, SWATCHES = "manifest.parquet", "rendered.csv", "pictures", "swatches"

MOST_SWATCHES = 2_000
"""Masked faces that swatches are cut from, at most: more would cost time and add few kinds of cloth."""


@dataclass(frozen=True, slots=True)
class Render:
    """How to make a rendered data set.

    mix: which pictures to make of each face.
    size_px: longest side; larger pictures are made smaller, none larger. None keeps every size.
    seed: of all that is drawn.
    """

    mix: Mix = field(default_factory=Mix)
    size_px: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size_px is not None and self.size_px < MIN_SIDE_PX:
            raise ConfigError(f"--size {self.size_px}: pictures under {MIN_SIDE_PX} pixels show no mask; ask for more")


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """What a run came to.

    manifest: one row for each picture made or kept.
    faces: bare faces that were there to be drawn on.
    kept: pictures of an earlier run that were not made again.
    skipped: faces and variants left out, counted by reason.
    """

    manifest: Manifest
    faces: int
    kept: int
    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Task:
    """One original with its faces of one class. rows: of the manifest, as mappings."""

    path: str
    sha256: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Done:
    """rows: (manifest row, parameters) of each picture; complaint: the one line of an original that cannot be read."""

    rows: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = ()
    kept: int = 0
    skipped: tuple[str, ...] = ()
    complaint: str | None = None


Made = TypeVar("Made")


def render_dataset(
    manifest: Manifest,
    folder: Path,
    render: Render,
    *,
    limit: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Rendered:
    """Draw on the bare faces of a data set: pictures, manifest.parquet and rendered.csv (how each was drawn).

    Args:
        manifest: rows labelled unmasked are drawn on; swatches are cut from those labelled masked, if the mix wants
            them. A row with a box means the face in it; one without means the best face of its picture.
        folder: made if it is not there; pictures of an earlier run with the same settings are kept.
        render: what to make.
        limit: use only the first so many pictures.
        workers: processes; None means one for each core, and none for a few pictures. They are spawned: a script that
            calls this needs the usual `if __name__ == "__main__":`.
        progress: called with (pictures done, pictures), those that swatches are cut from included.
        say: called with one line for each original that cannot be read, and one if there is no swatch to be had.

    Raises:
        DataError: no face is labelled unmasked, or nothing could be drawn.
        StorageError: the folder cannot be written.
    """
    tasks = _tasks(manifest, UNMASKED)[:limit]
    if not tasks:
        raise DataError(f"no usable row is labelled {UNMASKED}: masks are drawn on bare faces; give data that has some")
    wearers = _wearers(manifest) if render.mix.photographed else []
    total, place = len(wearers) + len(tasks), folder.resolve()
    swatches: list[str] = []
    for i, names in enumerate(_run(partial(_cut_picture, folder=place), wearers, workers), start=1):
        swatches += names
        if progress:
            progress(i, total)
    if render.mix.photographed and not swatches and say:
        say(f"no face labelled {MASKED} shows enough of its mask to cut cloth from: all cloth is drawn")
    done: list[_Done] = []
    for one in _run(partial(_render_picture, folder=place, render=render, swatches=tuple(swatches)), tasks, workers):
        done.append(one)
        if one.complaint and say:
            say(one.complaint)
        if progress:
            progress(len(wearers) + len(done), total)
    return _saved(folder, done, sum(len(task.rows) for task in tasks))


def _tasks(manifest: Manifest, label: str) -> list[_Task]:
    """One for each content: exact copies of a picture would give the same pictures again."""
    labelled = manifest.usable.filter(pl.col("label") == label)
    rows = labelled.unique(["sha256", *BOX], keep="first", maintain_order=True)
    parts = rows.partition_by("sha256", maintain_order=True)
    return [_Task(part["path"][0], part["sha256"][0], tuple(part.to_dicts())) for part in parts]


def _wearers(manifest: Manifest) -> list[_Task]:
    """Photographs to cut swatches from, some of each source; a drawn mask has no real cloth."""
    photographed = Manifest(manifest.rows.filter(pl.col("provenance").ne_missing("rendered")))
    return sorted(_tasks(photographed, MASKED), key=lambda task: task.sha256)[:MOST_SWATCHES]


def _run(work: Callable[[_Task], Made], tasks: Sequence[_Task], workers: int | None) -> Iterator[Made]:
    """In several processes, since most of the work holds the interpreter's lock; in this one for a few pictures."""
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count <= 1 or (workers is None and len(tasks) < FEW):
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("spawn")  # forking a process that has threads may hang
    with ProcessPoolExecutor(count, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        try:
            yield from pool.map(work, tasks, chunksize=max(1, min(16, len(tasks) // (4 * count))))
        finally:
            pool.shutdown(cancel_futures=True)


def _saved(folder: Path, done: list[_Done], faces: int) -> Rendered:
    rows = [row for one in done for row in one.rows]
    skipped = Counter(reason for one in done for reason in one.skipped)
    if not rows:
        why = "; ".join(f"{reason} ({count})" for reason, count in skipped.most_common())
        raise DataError(f"nothing could be drawn on {faces} bare faces: {why}")
    manifest = Manifest(pl.DataFrame([row for row, _ in rows], schema=SCHEMA))
    manifest.save(folder / MANIFEST_NAME)
    with written_whole(folder / TABLE_NAME) as partial_path:
        pl.DataFrame([parameters for _, parameters in rows], infer_schema_length=None).write_csv(partial_path)
    return Rendered(manifest, faces, sum(one.kept for one in done), dict(skipped.most_common()))


# --- one picture ------------------------------------------------------------------------------------------------------


def _cut_picture(task: _Task, *, folder: Path) -> tuple[str, ...]:
    """The names of all swatches that a photograph has; one that is there is not cut again."""
    names = [f"{SWATCHES}/{task.sha256[:12]}-{i}.png" for i in range(len(task.rows))]
    missing = [(name, row) for name, row in zip(names, task.rows, strict=True) if not (folder / name).is_file()]
    if missing:
        try:
            image = read_image(Path(task.path))
        except ImageError:
            return ()  # other steps say so: it is a row like any other
        found = find_faces(image)
        for name, row in missing:
            sitter = choose_face(image, found, _box_of(row, image.shape[1]))
            swatch = None if isinstance(sitter, str) else cut_swatch(sitter)
            if swatch is not None:
                _written(folder / name, swatch)
    return tuple(name for name in names if (folder / name).is_file())


def _render_picture(task: _Task, *, folder: Path, render: Render, swatches: tuple[str, ...]) -> _Done:
    """All pictures of one original, in whatever process."""
    planned = [(row, _plan(row, render, swatches)) for row in task.rows]
    names = [name for _, plan in planned for name in plan]
    if all((folder / name).is_file() for name in names):
        kept = tuple(_row(folder, name, variant, row) for row, plan in planned for name, variant in plan.items())
        return _Done(kept, kept=len(kept))
    try:
        image = shrunk(read_image(Path(task.path)), render.size_px)
    except ImageError as error:
        return _Done(skipped=(FAILED,) * len(task.rows), complaint=str(error))
    found = find_faces(image)
    done = [_render_face(image, found, row, plan, folder) for row, plan in planned]
    return _Done(
        tuple(row for one in done for row in one.rows),
        kept=sum(one.kept for one in done),
        skipped=tuple(reason for one in done for reason in one.skipped),
    )


def _plan(row: dict[str, Any], render: Render, swatches: tuple[str, ...]) -> dict[str, Variant]:
    """The pictures to make of one face, by name; face and settings decide everything."""
    face = f"{row['sha256']} {[row[name] for name in BOX]}"
    rng = np.random.default_rng([render.seed, int(hashlib.sha256(face.encode()).hexdigest()[:12], 16)])
    plan = {}
    for variant in render.mix.variants(rng, swatches):
        settings = f"{_VERSION} {face} {render.size_px} {variant}"
        key = hashlib.sha256(settings.encode()).hexdigest()[:12]
        plan[f"{PICTURES}/{variant.label}/{row['sha256'][:12]}-{variant.name}-{key}.jpg"] = variant
    return plan


def _render_face(image: Image, found: Faces, row: dict[str, Any], plan: dict[str, Variant], folder: Path) -> _Done:
    sitter = choose_face(image, found, _box_of(row, image.shape[1]))
    if isinstance(sitter, str):
        return _Done(skipped=(sitter,))
    rows, skipped, kept = [], [], 0
    for name, variant in plan.items():
        if (folder / name).is_file():
            kept += 1
            rows.append(_row(folder, name, variant, row))
        elif (picture := draw(sitter, variant, _swatch(folder, variant))) is not None:
            content = _written(folder / name, picture)
            rows.append(_row(folder, name, variant, row, (content, picture.shape[1::-1])))
        else:
            skipped.append("the mask would hardly be seen")
    return _Done(tuple(rows), kept, tuple(skipped))


def _swatch(folder: Path, variant: Variant) -> Image | None:
    return read_image(folder / variant.swatch) if variant.swatch else None


def _written(path: Path, picture: Image) -> bytes:
    """As JPEG of fixed quality or as PNG, by the path's suffix."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(path.suffix, bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if path.suffix == ".jpg" else [])[1]
    content = encoded.tobytes()
    with written_whole(path) as partial_path:
        partial_path.write_bytes(content)
    return content


def _row(
    folder: Path, name: str, variant: Variant, row: dict[str, Any], new: tuple[bytes, tuple[int, ...]] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of a picture that is there, or new with its content and size: its row of the manifest, and how it was drawn."""
    content, (width, height) = new or _kept(folder / name)
    known = dict.fromkeys(SCHEMA) | dict(zip(BOX, _scaled_box(row, width) or (None,) * 4, strict=True))
    known |= {
        "path": str(folder / name),
        "label": variant.label,
        "group": row["group"] or row["sha256"],
        "source": f"{row['source']}-rendered",
        "width": width,
        "height": height,
        "sha256": hashlib.sha256(content).hexdigest(),
        "kind": variant.kind,
        "provenance": "rendered",
        "origin": row["sha256"],
    }
    return known, {"path": name, "origin": row["sha256"], **variant.parameters()}


def _kept(path: Path) -> tuple[bytes, tuple[int, ...]]:
    content = read_file(path)
    with Pillow.open(io.BytesIO(content)) as picture:
        return content, picture.size


def _box_of(row: dict[str, Any], width: int) -> Array | None:
    box = _scaled_box(row, width)
    return None if box is None else np.array(box, np.float32)


def _scaled_box(row: dict[str, Any], width: int) -> list[float] | None:
    """The row's box in a copy of its picture that is so wide; None where the whole picture is the face."""
    if row["x_min"] is None:
        return None
    return [row[name] * width / row["width"] for name in BOX]
