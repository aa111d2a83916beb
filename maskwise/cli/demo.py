"""`maskwise demo`: the whole path, from faces that ordinary packages carry to a checked picture. No network."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import out, progress, say
from maskwise.cli.reading import read_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskwise.data.manifest import Manifest

MARK = ".maskwise-demo"


def run(
    out_: Annotated[
        Path, typer.Option("--out", help="Where everything goes; an earlier demo there is replaced.")
    ] = Path("maskwise-demo"),
    data: Annotated[
        list[str] | None, typer.Option("--data", help="Your own pictures instead: folder or manifest, repeatable.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Fewer for a quick look, more for a better model.")] = None,
) -> None:
    """Build a data set, train the study's network on it, measure it, and check two new pictures."""
    from maskwise.cli.data.show import save_figures
    from maskwise.cli.figures import print_curves, print_evaluation
    from maskwise.cli.live import LiveTraining
    from maskwise.training import recipe as recipes
    from maskwise.training import run as training
    from maskwise.training.history import read_history

    started = time.monotonic()
    given = read_data(data) if data else None  # before an earlier demo goes: a wrong name must not cost it
    _clear(out_, data or [])
    manifest = given if given is not None else _own_faces(out_)
    save_figures(manifest, out_ / "show")
    recipe = recipes.load("demo", {"epochs": epochs} if epochs else {})
    with LiveTraining() as live:
        artifact = training.train(lambda: manifest, recipe, out_ / "demo-model", listener=live.listener)
    print_curves(read_history(artifact / "history.csv"), out)
    print_evaluation(json.loads((artifact / "report.json").read_text()), out)
    pictures = _held_out(out_ / "demo-model") if data else _new_ones(out_ / "new")
    checked = _check(artifact, pictures, out_ / "checked")
    say(f"\ndone in {time.monotonic() - started:.0f} s. Open these:")
    out.print(f"  {artifact / 'report.html'}   what the model is worth, and on what", markup=False, soft_wrap=True)
    out.print(f"  {checked}   the pictures it was just asked about", markup=False, soft_wrap=True)
    out.print(f"  {out_ / 'show' / 'samples.png'}   what it was trained on", markup=False, soft_wrap=True)


def _clear(folder: Path, data: Sequence[str]) -> None:
    """Replace an earlier demo, and nothing else: a folder that is not one is left alone."""
    import shutil

    from maskwise.errors import StorageError

    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise StorageError(f"{folder} holds something that is not a demo; name another folder with --out")
    if any(Path(place).resolve().is_relative_to(folder.resolve()) for place in data):
        raise StorageError(f"the data lies in {folder}, which the demo replaces; name another folder with --out")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).touch()
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror or error}") from error


def _own_faces(folder: Path) -> Manifest:
    from maskwise.data.embedded import build_demo_dataset
    from maskwise.data.formats import read_dataset

    with progress("drawing masks on 200 of 400 ORL faces") as hook:
        data = build_demo_dataset(folder / "data", progress=hook)
    say(f"data: {data} (40 people, 10 pictures each, masks drawn on half of them)")
    return read_dataset(data, source="ORL faces with drawn masks")


def _held_out(run: Path) -> list[str]:
    """Of the user's own pictures one of each class that the model was not trained on."""
    from maskwise.data import manifest as manifests

    test = manifests.load(run / "manifest.parquet").part("test").rows
    return [str(rows["path"][0]) for _, rows in test.group_by("label", maintain_order=True)]


def _new_ones(folder: Path) -> list[str]:
    """The astronaut, bare and with a drawn mask."""
    from maskwise.data.embedded import demo_pictures

    return [str(path) for path in demo_pictures(folder)]


def _check(artifact: Path, pictures: list[str], folder: Path) -> Path:
    from maskwise.cli import check

    check.run(pictures, model=str(artifact), annotate=folder)
    return folder
