"""The whole audit in order: look, compare, group, probe, doubt, flag, conclude."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.audit import doubt as doubts
from maskwise.data.audit import leaks, scenes, twins
from maskwise.data.audit.doubt import Doubt, Judge
from maskwise.data.audit.findings import VERDICTS, find, verdict
from maskwise.data.audit.look import Records
from maskwise.data.audit.probes import Probe, probe_features, run_probes
from maskwise.data.audit.quality import FLAGS, QualityLimits, flag
from maskwise.data.audit.related import Hear, related
from maskwise.data.audit.shelf import Shelf, fill
from maskwise.data.manifest import Manifest, boxes_of, concat
from maskwise.data.show import counts_by
from maskwise.data.together import belonging, copies, with_groups
from maskwise.engines.engine import Engine
from maskwise.errors import DataError
from maskwise.model.faces import FaceDetector
from maskwise.values import NOT_A_FACE

SHELF = "looks"
"""Folder inside the audit's own in which an interrupted audit leaves what it has done."""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What was found.

    content: audit.json; docs/reference/audit.md describes it.
    manifest: the data with `group` filled in.
    pairs: what belongs together, with paths, labels and splits of both sides, and whether it leads across to the
        second data set.
    faces: the usable faces with called, confidence, suspicion and flags, the likeliest label errors first.
    """

    content: dict[str, Any]
    manifest: Manifest
    pairs: pl.DataFrame
    faces: pl.DataFrame


def audit(
    manifest: Manifest,
    folder: Path,
    *,
    against: Manifest | None = None,
    against_name: str = "",
    detect: FaceDetector | None = None,
    engine: Engine | None = None,
    judge: Judge | None = None,
    hear: Hear = lambda *_: None,
) -> Audit:
    """Audit a data set.

    Args:
        manifest: with at least one usable face.
        folder: where looks are kept until the audit is done; an interrupted audit goes on from there.
        against: a second data set that must not share pictures with the first.
        against_name: what it is called.
        detect: finds faces, for the flags `no_face` and `several_faces`; None leaves them out.
        engine: who looks at pictures, see `fill`.
        judge: a trained model to doubt labels with; None takes a plain classifier, fitted on the data itself.
        hear: hears how far it is.

    Raises:
        DataError: no usable face, or a class that the judge does not know.
        StorageError: the folder cannot be written.
        EngineError: workers cannot work.
    """
    if not manifest.classes:
        raise DataError(f"nothing to audit: none of {manifest.rows.height} rows is a usable face; look at their errors")
    if judge and (missing := sorted(set(manifest.classes) - set(judge.labels))):
        raise DataError(f"{judge.name} does not know {', '.join(missing)}; leave the class or the model out")
    both = concat([manifest, against]) if against else manifest
    looking = lambda done, total: hear("looking at pictures", done, total)  # noqa: E731
    shelf = fill(both, folder / SHELF, detect, looking, engine=engine)
    inside, across = _parted(related(both, shelf, hear), manifest, against)
    own, shared = leaks.described(inside, manifest.usable), leaks.described(across, both.usable)
    rows = manifest.usable
    together = belonging(rows, own)
    which = np.flatnonzero(rows["label"] != NOT_A_FACE)  # what is not a face has no class to be doubted
    seen, (faces, headers, found) = rows[which], _looks(shelf, which)
    doubt = Doubt.of(seen, faces, together[which], judge, manifest.faces())
    flags = flag(seen, faces, found)
    content = {
        "faces": seen.height,
        "pictures": rows["sha256"].n_unique(),
        "labels": {label: int((rows["label"] == label).sum()) for label in manifest.labels},
        "fingerprint": manifest.fingerprint(),
        "balance": counts_by(manifest).to_dicts(),
        "sources_of_class": _sources(manifest),
        "unusable": _unusable(manifest),
        "pairs": leaks.counts(own),
        "leaks": leaks.of_splits(rows, own, together),
        "random_split": leaks.of_random_split(rows, own),
        "against": leaks.of_other(rows, shared, together, against, against_name),
        "groups": leaks.of_groups(rows, together, manifest.labels),
        "face": {
            "by": judge.name if judge else "a plain classifier of edges and colours, fitted without each face's group",
            "accuracy": doubt.accuracy.to_json(),
            "balanced_accuracy": doubt.balanced_accuracy.to_json(),
        },
        "probes": [p.to_json() for p in _probes(seen, faces, headers, doubt, hear)],
        "suspects": doubt.counts(),
        "quality": _quality(flags),
        "settings": _settings(detect),
    }
    findings = find(content)
    level = verdict(findings)
    said = {"verdict": {"level": level, "says": VERDICTS[level]}, "findings": [f.to_json() for f in findings]}
    table = doubts.table(seen, doubt, flags)
    return Audit(said | content, with_groups(manifest, own), _both(own, shared), table)


def _parted(pairs: pl.DataFrame, manifest: Manifest, against: Manifest | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs inside the data, and pairs that lead to the second data set; what lies in that one alone is left out."""
    own = set(manifest.usable["sha256"])
    other = set(against.usable["sha256"]) if against else set[str]()
    a, b = pairs["sha256_a"], pairs["sha256_b"]
    near = pairs["kind"] != "copy"  # whether a copy lies in one set or in both, its content does not tell
    inside = pl.concat([pairs.filter(near & a.is_in(own) & b.is_in(own)), copies(manifest)])
    bridges = (a.is_in(own) & b.is_in(other)) | (a.is_in(other) & b.is_in(own))
    across = pairs.filter((near & bridges) | (~near & a.is_in(own) & a.is_in(other)))
    return inside, across


def _both(own: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([own.with_columns(across=pl.lit(False)), shared.with_columns(across=pl.lit(True))])


def _probes(rows: pl.DataFrame, faces: Records, headers: NDArray[np.float32], doubt: Doubt, hear: Hear) -> list[Probe]:
    if not doubt.possible:
        return []
    sources = np.asarray(rows["source"].fill_null("").rank("dense").cast(pl.Int64))
    sees = probe_features(headers, faces, sources, _shares(rows))
    asked = lambda done, total: hear("asking probes", done, total)  # noqa: E731
    return run_probes(sees, (doubt.accuracy, doubt.balanced_accuracy), doubt.target, doubt.groups, asked)


def _shares(rows: pl.DataFrame) -> NDArray[np.float32]:
    """(n, 4) centre and size of boxes as shares of their picture; nan without a box."""
    boxes = boxes_of(rows)
    size = rows.select("width", "height").to_numpy().astype(np.float32)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2 / size, (boxes[:, 2:] - boxes[:, :2]) / size], axis=1)


def _looks(shelf: Shelf, which: NDArray[np.int64]) -> tuple[Records, NDArray[np.float32], pl.Series]:
    """Of some of the rows the FACE records, and of each row's picture the header and the count of faces."""
    order = np.argsort(shelf.rows, kind="stable")[which]
    picture = np.repeat(np.arange(shelf.table.height), shelf.table["rows"].list.len().to_numpy())[order]
    counts = np.asarray(shelf.pictures["faces"])[picture].astype(np.int64)
    in_order = np.array_equal(order, np.arange(len(order)))
    faces = shelf.faces[: len(order)] if in_order else shelf.faces[order]  # the first stays on the disk
    return faces, np.asarray(shelf.pictures["header"])[picture], pl.Series(counts)


def _quality(flags: pl.DataFrame) -> dict[str, Any]:
    named, limits = flags["flag"].to_list(), asdict(QualityLimits())
    return {name: {"n": named.count(name), "says": says.format(**limits)} for name, says in FLAGS.items()}


def _sources(manifest: Manifest) -> dict[str, list[str]]:
    return {
        label: sorted(manifest.usable.filter(pl.col("label") == label)["source"].fill_null("").unique())
        for label in manifest.classes
    }


def _unusable(manifest: Manifest) -> dict[str, Any]:
    return {"n": manifest.unusable.height, "first": manifest.unusable.select("path", "error").head(20).to_dicts()}


def _settings(detect: FaceDetector | None) -> dict[str, Any]:
    return {
        "twin_similarity": twins.TWIN,
        "scene_features": scenes.LEAST_INLIERS,
        "detector": type(detect).__name__ if detect else None,
        "seed": 0,
    }
