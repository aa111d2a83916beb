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
from typing import Any

import cv2
import numpy as np
import polars as pl
from PIL import Image as Pillow

from maskwise.data.manifest import BOX, SCHEMA, Manifest
from maskwise.data.masks.faces import MIN_SIDE_PX, choose_face, find_faces, shrunk
from maskwise.data.masks.variants import Mix, Variant, draw
from maskwise.errors import ConfigError, DataError, ImageError
from maskwise.model.images import read_file, read_image
from maskwise.model.storage import written_whole
from maskwise.values import UNMASKED, Faces, Image

QUALITY = 92
FEW = 24
"""With fewer pictures than this, starting processes takes longer than the work."""

_VERSION = 2  # raise it when the same settings come to give other pixels: the names change with it

FAILED = "cannot be read"
MANIFEST_NAME, TABLE_NAME, PICTURES = "manifest.parquet", "rendered.csv", "pictures"


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
    """One original with its bare faces. rows: of the manifest, as mappings."""

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
        manifest: rows labelled unmasked are used, and only those. A row with a box means the face in it; one without
            means the best face of its picture.
        folder: made if it is not there; pictures of an earlier run with the same settings are kept.
        render: what to make.
        limit: use only the first so many pictures.
        workers: processes; None means one for each core, and none for a few pictures. They are spawned: a script that
            calls this needs the usual `if __name__ == "__main__":`.
        progress: called with (pictures done, pictures).
        say: called with one line for each original that cannot be read.

    Raises:
        DataError: no face is labelled unmasked, or nothing could be drawn.
        StorageError: the folder cannot be written.
    """
    tasks = _tasks(manifest)[:limit]
    if not tasks:
        raise DataError(f"no usable row is labelled {UNMASKED}: masks are drawn on bare faces; give data that has some")
    done: list[_Done] = []
    for one in _run(partial(_render_picture, folder=folder.resolve(), render=render), tasks, workers):
        done.append(one)
        if one.complaint and say:
            say(one.complaint)
        if progress:
            progress(len(done), len(tasks))
    return _saved(folder, done, sum(len(task.rows) for task in tasks))


def _tasks(manifest: Manifest) -> list[_Task]:
    """One for each content: exact copies of a picture would give the same pictures again."""
    bare = manifest.usable.filter(pl.col("label") == UNMASKED)
    rows = bare.unique(["sha256", *BOX], keep="first", maintain_order=True)
    parts = rows.partition_by("sha256", maintain_order=True)
    return [_Task(part["path"][0], part["sha256"][0], tuple(part.to_dicts())) for part in parts]


def _run(work: Callable[[_Task], _Done], tasks: Sequence[_Task], workers: int | None) -> Iterator[_Done]:
    """In several processes, since most of the work holds the interpreter's lock; in this one for a few pictures."""
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count == 1 or (workers is None and len(tasks) < FEW):
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


def _render_picture(task: _Task, *, folder: Path, render: Render) -> _Done:
    """All pictures of one original, in whatever process."""
    planned = [(row, _plan(row, render)) for row in task.rows]
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


def _plan(row: dict[str, Any], render: Render) -> dict[str, Variant]:
    """The pictures to make of one face, by name; face and settings decide everything."""
    face = f"{row['sha256']} {[row[name] for name in BOX]}"
    rng = np.random.default_rng([render.seed, int(hashlib.sha256(face.encode()).hexdigest()[:12], 16)])
    plan = {}
    for variant in render.mix.variants(rng):
        settings = f"{_VERSION} {face} {render.size_px} {variant}"
        key = hashlib.sha256(settings.encode()).hexdigest()[:12]
        plan[f"{PICTURES}/{variant.label}/{row['sha256'][:12]}-{variant.name}-{key}.jpg"] = variant
    return plan


def _render_face(image: Image, found: Faces, row: dict[str, Any], plan: dict[str, Variant], folder: Path) -> _Done:
    box = _scaled_box(row, image.shape[1])
    sitter = choose_face(image, found, None if box is None else np.array(box, np.float32))
    if isinstance(sitter, str):
        return _Done(skipped=(sitter,))
    rows, skipped, kept = [], [], 0
    for name, variant in plan.items():
        if (folder / name).is_file():
            kept += 1
            rows.append(_row(folder, name, variant, row))
        elif (picture := draw(sitter, variant)) is not None:
            content = _written(folder / name, picture)
            rows.append(_row(folder, name, variant, row, (content, picture.shape[1::-1])))
        else:
            skipped.append("the mask would hardly be seen")
    return _Done(tuple(rows), kept, tuple(skipped))


def _written(path: Path, picture: Image) -> bytes:
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
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


def _scaled_box(row: dict[str, Any], width: int) -> list[float] | None:
    """The row's box in a copy of its picture that is so wide; None where the whole picture is the face."""
    if row["x_min"] is None:
        return None
    return [row[name] * width / row["width"] for name in BOX]
