"""The straight line from a data set to an artifact.

RUN/recipe.yaml, manifest.parquet      what is trained on what
RUN/checkpoints/{last,best}.safetensors, history.csv, tensorboard/   how it goes
RUN/artifact/                          what comes out
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
import yaml
from lightning_fabric import Fabric
from torch import nn
from torch.optim.swa_utils import AveragedModel

from maskwise.data import manifest as manifests
from maskwise.data.manifest import Manifest
from maskwise.engines.cores import cores
from maskwise.errors import ConfigError, DataError
from maskwise.model import networks
from maskwise.model.config import from_mapping
from maskwise.training import checkpoint
from maskwise.training.augment import wider
from maskwise.training.batches import memory_format
from maskwise.training.finish import write_artifact
from maskwise.training.history import write_history
from maskwise.training.listener import Listener
from maskwise.training.loader import Crops, Examples, cut_all, examples, load_crops
from maskwise.training.logs import TensorBoard
from maskwise.training.norm import shared
from maskwise.training.prepare import prepare
from maskwise.training.recipe import Precision, Recipe, Shards
from maskwise.training.shards import ShardedCrops, claim, cut_shards
from maskwise.training.trainer import EpochRecord, fit, make_average, make_optimizer

DEVICES = ("auto", "cpu", "cuda", "mps")


def train(
    read: Callable[[], Manifest],
    recipe: Recipe,
    run: Path,
    *,
    device: str = "auto",
    processes: int = 1,
    loaders: int | None = None,
    shards: str | None = None,
    listener: Listener | None = None,
) -> Path:
    """Train a network and write its artifact.

    Args:
        read: gives the data; called once, by the first process only.
        recipe: what to do.
        run: a folder that holds no run yet.
        device: one of DEVICES.
        processes: how many share each batch, on as many devices.
        loaders: processes that make batches for each of these; None takes what cores are left where a GPU trains, and
            else none.
        shards: folder or address for the cut faces, in shards; they stay there for the next run. None cuts them into
            the run's folder, and removes them.
        listener: hears how it goes.

    Returns:
        The artifact's folder.

    Raises:
        MaskwiseError: see DataError, ConfigError, StorageError, ExportError.
    """
    listener = listener or Listener()
    fabric = make_fabric(device, processes, recipe.precision)
    if shards and recipe.shards is None:
        recipe = replace(recipe, shards=Shards())
    if is_first():
        prepare(read(), recipe, run, listener)
    return _train_prepared(fabric, run, loaders, shards, listener if is_first() else Listener())


def resume(
    run: Path,
    *,
    device: str = "auto",
    processes: int = 1,
    loaders: int | None = None,
    shards: str | None = None,
    listener: Listener | None = None,
) -> Path:
    """Go on with a run from its last finished epoch, with as many processes as there are now; see `train`.

    Raises:
        DataError: the folder holds no run, or the data has changed since.
        ConfigError: shards are asked for in a run that was begun without, which would change its order.
    """
    recipe = read_recipe(run)
    fabric = make_fabric(device, processes, recipe.precision)
    if shards and recipe.shards is None:
        raise ConfigError(f"--shards {shards}: {run} was begun without shards; leave it out, or start a new run")
    return _train_prepared(fabric, run, loaders, shards, (listener or Listener()) if is_first() else Listener())


def make_fabric(device: str, processes: int, precision: Precision) -> Fabric:
    """Device, precision and processes, as lightning-fabric sets them up.

    Raises:
        ConfigError: a device that is not known or not there.
    """
    if device not in DEVICES:
        raise ConfigError(f"device {device!r} is not known; use one of {', '.join(DEVICES)}")
    if processes < 1:
        raise ConfigError(f"processes: {processes} must be 1 or more")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device, True):
        raise ConfigError(f"device {device!r} is not available on this machine; use --device auto or cpu")
    here = int(os.environ.get("LOCAL_WORLD_SIZE", processes))  # torchrun has started them already
    nodes = int(os.environ.get("WORLD_SIZE", here)) // here
    strategy = "ddp" if here * nodes > 1 else "auto"
    try:
        return Fabric(accelerator=device, devices=here, num_nodes=nodes, strategy=strategy, precision=precision)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"device {device!r} with {processes} processes: {str(error).splitlines()[0]}") from error


def read_recipe(run: Path) -> Recipe:
    """The resolved recipe of a run.

    Raises:
        DataError: the folder holds no run.
    """
    try:
        return from_mapping(Recipe, "", yaml.safe_load((run / "recipe.yaml").read_text()))
    except OSError as error:
        raise DataError(
            f"{run} holds no run: cannot read recipe.yaml ({error.strerror}); start one without --resume"
        ) from error


def is_first() -> bool:
    """Whether this is the process that reads, writes and speaks; torchrun and Fabric both set these."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def _train_prepared(fabric: Fabric, run: Path, loaders: int | None, shards: str | None, listener: Listener) -> Path:
    fabric.launch()
    recipe, manifest = read_recipe(run), manifests.load(run / "manifest.parquet")
    try:
        sets = _cut(fabric, recipe, manifest, run, shards, listener)
        if loaders is None:
            loaders = _spare_cores(fabric)
        network, records = learn(fabric, recipe, manifest, sets, run, listener, loaders)
        if fabric.is_global_zero:
            write_artifact(network, recipe, manifest, sets, records, run, listener)
        fabric.barrier()
    except RuntimeError as error:
        if fabric.is_global_zero or "by peer" not in str(error):
            raise
        raise SystemExit(1) from None  # the first process is gone, and has said why
    finally:
        if fabric.is_global_zero:
            for file in run.glob(".crops-*"):
                shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    return run / "artifact"


def _cut(
    fabric: Fabric, recipe: Recipe, manifest: Manifest, run: Path, shards: str | None, listener: Listener
) -> dict[str, Examples]:
    """Decode and cut all faces once; of shards, each process cuts its own."""
    parts = {"train": manifest.part("train"), "validation": manifest.part("validation").faces()}
    specs = {"train": wider(recipe.crop, recipe.augment), "validation": recipe.crop}
    place, turn = shards or str(run / ".crops-shards"), (fabric.global_rank, fabric.world_size)
    crops: dict[str, Crops | ShardedCrops] = {}
    for name, part in parts.items():
        hear = partial(listener.progress, f"cutting {name}")
        if name == "train" and recipe.shards:
            if fabric.is_global_zero:
                claim(part, specs[name], place, recipe.shards)
            fabric.barrier()
            cut_shards(part, specs[name], place, recipe.shards, turn, hear)
            cache = run / f".crops-cache-{platform.node()}"
            paths = part.rows["path"].to_list()
            crops[name] = ShardedCrops(paths, specs[name].size_px, place, recipe.shards, cache)
            continue
        file = run / f".crops-{name}.npy"
        if fabric.is_global_zero:
            cut_all(part, specs[name], file, hear)
        fabric.barrier()
        crops[name] = load_crops(file)
    fabric.barrier()
    return {name: examples(part, manifest.classes, crops[name], recipe.sampling) for name, part in parts.items()}


def _spare_cores(fabric: Fabric) -> int:
    """A GPU waits for batches, and cores are free to make them; where cores train, they would take from each other."""
    if fabric.device.type != "cuda":
        return 0
    here = int(os.environ.get("LOCAL_WORLD_SIZE", fabric.world_size))
    return max(1, cores() // here - 1)


def learn(
    fabric: Fabric,
    recipe: Recipe,
    manifest: Manifest,
    sets: dict[str, Examples],
    run: Path,
    listener: Listener,
    loaders: int = 0,
) -> tuple[nn.Module, list[EpochRecord]]:
    """Train from where the run stands; every finished epoch is saved and logged.

    Returns:
        The network, on the CPU, with the weights that the recipe keeps, and all of the run's records.
    """
    torch.manual_seed(recipe.seed)
    network = networks.build(recipe.network, len(manifest.classes), recipe.crop.size_px, recipe.pretrained)
    if fabric.world_size > 1:
        network = shared(network)
    network = network.to(memory_format=memory_format(recipe))
    optimizer = make_optimizer(network, recipe)
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    last, best = run / "checkpoints" / "last.safetensors", run / "checkpoints" / "best.safetensors"
    average = make_average(network, recipe)
    records = _restore(last, network, optimizer, average, manifest.fingerprint())
    board = TensorBoard(run / "tensorboard", records) if fabric.is_global_zero else None

    def go_on() -> Iterator[EpochRecord]:
        train, validation = sets["train"], sets["validation"]
        first = len(records)
        return fit(
            fabric, wrapped, wrapped_optimizer, recipe, train, validation, first, listener.step, average, loaders
        )

    for record in () if stopped(records, recipe.patience) else go_on():
        records.append(record)
        if board:
            history = [r.to_json() for r in records]
            state = {"fingerprint": manifest.fingerprint(), "records": history}
            if best_epoch(records) == record.epoch:
                checkpoint.save(best, network if average is None else average.module, None, state)
            checkpoint.save(last, network, optimizer, state, average)
            write_history(run / "history.csv", history)
            board.add(record)
            listener.epoch(record, recipe.epochs)
        if stopped(records, recipe.patience):
            break
    if board:
        board.close()
        if recipe.keep == "best":
            checkpoint.load(best, network)
        elif average is not None:
            network.load_state_dict(average.module.state_dict())
    if fabric.world_size > 1:
        alone = networks.build(recipe.network, len(manifest.classes), recipe.crop.size_px)
        alone.load_state_dict(network.state_dict())
        network = alone
    return network.cpu(), records


def best_epoch(records: list[EpochRecord]) -> int:
    """The epoch with the lowest validation loss; without validation, the last one."""
    judged = [r for r in records if r.validation_loss is not None]
    return min(judged, key=lambda r: (r.validation_loss, r.epoch)).epoch if judged else records[-1].epoch


def stopped(records: list[EpochRecord], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought no lower validation loss."""
    return bool(records) and patience is not None and records[-1].epoch - best_epoch(records) >= patience


def _restore(
    last: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: AveragedModel | None,
    fingerprint: str,
) -> list[EpochRecord]:
    if not last.exists():
        return []
    state = checkpoint.load(last, network, optimizer, average)
    if state["fingerprint"] != fingerprint:
        raise DataError(f"the pictures or labels changed since {last} was saved; start a new run with --out")
    return [EpochRecord(**record) for record in state["records"]]
