"""The audit on disk: a page for people, JSON for programs, tables of pairs and faces, the manifest with groups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from maskwise.data.audit.audit import Audit
from maskwise.data.audit.look import CROP
from maskwise.data.audit.quality import FLAGS
from maskwise.data.manifest import boxes_of
from maskwise.model.storage import write_text, written_whole
from maskwise.pages.template import template
from maskwise.pages.thumbnails import thumbnails, whole_pictures

HTML_NAME, JSON_NAME = "audit.html", "audit.json"
PAIRS_NAME, FACES_NAME, MANIFEST_NAME = "pairs.parquet", "faces.csv", "manifest.parquet"
TEMPLATE = Path(__file__).with_name("audit.html.jinja")

PAIRS_SHOWN, SUSPECTS_SHOWN, FLAGGED_SHOWN = 18, 32, 8
PAIR_PX = 130

Shown = dict[str, Any]


def write_audit(audit: Audit, folder: Path, *, title: str, pictures: bool = True) -> Path:
    """Write audit.html, audit.json, pairs.parquet, faces.csv and manifest.parquet.

    Args:
        audit: what was found.
        folder: where to; made if it is not there.
        title: what the data set is called.
        pictures: whether the page may hold pictures; without, it has their file names only.

    Returns:
        The page.

    Raises:
        StorageError: a file cannot be written.
    """
    audit.manifest.save(folder / MANIFEST_NAME)
    with written_whole(folder / PAIRS_NAME) as partial:
        audit.pairs.write_parquet(partial)
    with written_whole(folder / FACES_NAME) as partial:
        audit.faces.drop("row").write_csv(partial)
    write_text(folder / JSON_NAME, json.dumps(audit.content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    write_text(folder / HTML_NAME, render(audit, title=title, pictures=pictures))
    return folder / HTML_NAME


def render(audit: Audit, *, title: str, pictures: bool = True) -> str:
    """The page; see `write_audit`."""
    return template(TEMPLATE).render(
        a=audit.content,
        title=title,
        pictures=pictures,
        pair_sections=_pair_sections(audit, pictures),
        suspects=_faces(audit.faces.filter(pl.col("suspicion") > 0).head(SUSPECTS_SHOWN), pictures),
        flagged={name: _faces(_flagged(audit, name), pictures) for name in FLAGS},
    )


def _pair_sections(audit: Audit, pictures: bool) -> list[Shown]:
    """Galleries of pairs, the gravest first; each with how many there are in all."""
    pairs = audit.pairs.with_columns(
        same=pl.col("kind").is_in(["copy", "twin"]),
        crosses=pl.concat_list("splits_a", "splits_b").list.unique().list.len() > 1,
    )
    inside, same = ~pl.col("across"), pl.col("same")
    kinds = (
        ("contradiction", "One picture, two labels", inside & same & pl.col("contradicts")),
        ("leak", "On both sides of the split", inside & same & pl.col("crosses")),
        ("against", "In both data sets", pl.col("across") & same),
        ("duplicate", "Copies and near-duplicates", inside & same),
        ("scene", "Of one shooting", inside & ~same),
    )
    shown = []
    for name, title, which in kinds:
        chosen = pairs.filter(which)
        if chosen.height:
            shown.append({"name": name, "title": title, "n": chosen.height, "pairs": _pairs(chosen, pictures)})
    return shown


def _pairs(chosen: pl.DataFrame, pictures: bool) -> list[Shown]:
    """A few pairs, spread over the range of their similarity: the doubtful ones are to be seen, too."""
    ordered = chosen.sort("similarity", "sha256_a", "sha256_b", descending=[True, False, False], nulls_last=True)
    step = max(1, -(-ordered.height // PAIRS_SHOWN))
    few = ordered.gather_every(step).head(PAIRS_SHOWN).to_dicts()
    paths = [_two_paths(row) for row in few]
    small = whole_pictures([path for two in paths for path in two], PAIR_PX) if pictures else [None] * (2 * len(few))
    return [
        {
            "similarity": row["similarity"], "mirrored": row["mirrored"], "kind": row["kind"],
            "sides": [
                {"picture": small[2 * i + k], "name": _short(paths[i][k]), "labels": _several(row[f"labels_{s}"]),
                 "splits": ", ".join(row[f"splits_{s}"])}
                for k, s in enumerate("ab")
            ],
        }
        for i, row in enumerate(few)
    ]  # fmt: skip


def _two_paths(row: Shown) -> tuple[str, str]:
    """A copy is one content under several paths: its first and last stand for it."""
    return row["paths_a"][0], row["paths_b"][-1]


def _several(labels: list[str]) -> str:
    counted = {label: labels.count(label) for label in labels}
    return ", ".join(label if n == 1 else f"{n} {label}" for label, n in counted.items())


def _faces(rows: pl.DataFrame, pictures: bool) -> list[Shown]:
    small = thumbnails(rows["path"].to_list(), boxes_of(rows), CROP) if pictures else [None] * rows.height
    return [
        row | {"picture": picture, "name": _short(row["path"])}
        for row, picture in zip(rows.to_dicts(), small, strict=True)
    ]


def _flagged(audit: Audit, flag: str) -> pl.DataFrame:
    return audit.faces.filter(pl.col("flags").str.split(" ").list.contains(flag)).sort("path").head(FLAGGED_SHOWN)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])
