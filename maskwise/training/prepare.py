"""Before training: find faces where asked, split, draw masks where asked, and write down what is trained on what."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import polars as pl

from maskwise.data import manifest as manifests
from maskwise.data.boxes import detected
from maskwise.data.formats import check_trainable
from maskwise.data.manifest import SPLITS, Manifest
from maskwise.data.rendering import Render, render_dataset
from maskwise.data.splits import split
from maskwise.errors import StorageError
from maskwise.model import networks
from maskwise.model.faces import YuNet
from maskwise.training.listener import Listener
from maskwise.training.recipe import Recipe


def prepare(manifest: Manifest, recipe: Recipe, run: Path, listener: Listener) -> None:
    """Find faces where asked, split, draw masks where asked, and write recipe and manifest into the run's folder.

    Raises:
        DataError: too few pictures; the message says how many of what.
        StorageError: the folder holds a run already, or cannot be written.
    """
    if (run / "manifest.parquet").exists():
        raise StorageError(
            f"{run} already holds a run; go on with it by --resume {run}, or name another folder with --out"
        )
    if recipe.faces == "detect":
        manifest = detected(manifest, YuNet(), partial(listener.progress, "finding faces"))
    check_trainable(manifest)
    manifest = split(manifest, **asdict(recipe.split))
    networks.build(recipe.network, len(manifest.classes), recipe.crop.size_px)  # a wrong name must not cost the reading
    try:
        run.mkdir(parents=True, exist_ok=True)
        (run / "recipe.yaml").write_text(recipe.to_yaml())
    except OSError as error:
        raise StorageError(f"cannot write into {run}: {error.strerror or error}") from error
    if recipe.render is not None:
        manifest = manifests.concat([manifest, _rendered(manifest, recipe.render, recipe.faces, run, listener)])
    manifest.save(run / "manifest.parquet")
    for line in describe(manifest):
        listener.say(line)


def _rendered(manifest: Manifest, render: Render, faces: str, run: Path, listener: Listener) -> Manifest:
    """Masks on the bare faces that are trained on, into RUN/rendered; only these, so that nothing tested is seen."""
    trained_on = manifest.part("train")
    drawn = render_dataset(
        trained_on, run / "rendered", render, progress=partial(listener.progress, "drawing masks"), say=listener.say
    ).manifest
    if faces == "detect":  # a mask moves the box that the detector draws
        drawn = detected(drawn, YuNet(), partial(listener.progress, "finding faces under the masks"))
    return Manifest(drawn.rows.with_columns(split=pl.lit("train")))


def describe(manifest: Manifest) -> list[str]:
    """What is trained on, in a line per split, and what is left out."""
    lines = []
    for name in SPLITS:
        rows = manifest.part(name).rows
        if rows.height:
            counts = ", ".join(f"{(rows['label'] == label).sum()} {label}" for label in manifest.labels)
            lines.append(f"{name}: {rows.height} rows ({counts})")
    if manifest.unusable.height:
        lines.append(f"left out: {manifest.unusable.height}, each with its reason in manifest.parquet and the report")
    return lines
