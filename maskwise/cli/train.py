"""`maskwise train`: from a folder of pictures to an artifact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import progress, say
from maskwise.cli.reading import Alias, Classes, Format, amount, read_data
from maskwise.errors import ConfigError

if TYPE_CHECKING:
    from maskwise.data.manifest import Manifest


def run(
    data: Annotated[list[str] | None, typer.Option("--data", help="Folder or manifest; repeat for several.")] = None,
    recipe: Annotated[str, typer.Option(help="A name (default, study, study-wide, demo) or a YAML file.")] = "study",
    out: Annotated[Path | None, typer.Option(help="Folder of the run.  [default: runs/RECIPE]")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any key of the recipe, as optimizer.lr=0.01.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="sequential, sequential-wide, efficientnet-lite0 or timm/NAME.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the network's input in pixels.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every picture is seen.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures in a step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the weights, the order and the split.")] = None,
    split: Annotated[str | None, typer.Option(help="group, source, random or given.")] = None,
    validation: Annotated[str | None, typer.Option(help="Count of pictures, or share below 1.")] = None,
    test: Annotated[
        str | None, typer.Option(help="Count of pictures, share below 1; with --split source its name.")
    ] = None,
    faces: Annotated[
        str | None, typer.Option(help="What is cut: whole, or detect, where the detector finds the face.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="32-true or bf16-mixed.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    processes: Annotated[int, typer.Option(help="Processes that share each batch.")] = 1,
    loaders: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that make batches for each.  [default: spare cores on a GPU, else 0]"),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(help="Folder or s3:// address that keeps the cut faces, for data that no disk holds."),
    ] = None,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
) -> None:
    """Train a network and write its artifact: weights, ONNX, report and predictions."""
    from maskwise.cli.live import LiveTraining
    from maskwise.data.collection import is_collection, read_collection
    from maskwise.data.reading import default_cache
    from maskwise.training import run as training

    flags = {
        "network": network, "crop.size_px": size, "epochs": epochs, "batch_size": batch_size, "optimizer.lr": lr,
        "seed": seed, "split.seed": seed, "split.by": split, "faces": faces, "precision": precision,
        "split.validation": validation and amount("--validation", validation),
        "split.test": test if split == "source" else test and amount("--test", test),
    }  # fmt: skip
    where: dict[str, Any] = {"device": device, "processes": processes, "loaders": loaders, "shards": shards}
    if resume:
        if data or set_ or out or any(value is not None for value in flags.values()):
            raise ConfigError(
                "--resume takes data and recipe from the run's folder; only --device, --processes, "
                "--loaders and --shards go with it"
            )
        with LiveTraining() as live:
            artifact = training.resume(resume, listener=live.listener, **where)
        _finished(artifact)
        return
    if not data:
        raise ConfigError("--data is missing: name a folder of pictures or a manifest; `maskwise demo` needs none")
    chosen = _recipe(recipe, set_ or [], flags)

    def read() -> Manifest:
        if len(data) == 1 and is_collection(Path(data[0]), chosen.sources):
            with progress("reading pictures") as hook:
                return read_collection(Path(data[0]), chosen.sources, cache=default_cache(), progress=hook, say=say)
        return read_data(data, format_, alias, classes)

    folder = out or Path("runs") / Path(recipe).stem
    with LiveTraining() as live:
        artifact = training.train(read, chosen, folder, listener=live.listener, **where)
    _finished(artifact)


def _recipe(name: str, sets: list[str], flags: dict[str, Any]) -> Any:
    from maskwise.training import recipe as recipes

    overrides = {key: value for key, value in flags.items() if value is not None}
    return recipes.load(name, overrides | dict(recipes.parse_override(text) for text in sets))


def _finished(artifact: Path) -> None:
    from maskwise.training.run import is_first

    if not is_first():  # one of several processes speaks
        return
    say(f"artifact: {artifact}")
    say(f"report:   {artifact / 'report.html'}")
