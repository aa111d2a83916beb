"""A recipe: everything that decides what training does, in one small typed YAML file.

The resolved copy is saved beside the weights. Where training runs (device, processes, folders) is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.verdict import Thresholds

Precision = Literal["32-true", "bf16-mixed"]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{name}: {value} must be above 0")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name}: {value} must be between 0 and 1")


@dataclass(frozen=True, slots=True)
class Split:
    """How the data is divided.

    by: `group` keeps people and exact duplicates on one side, `random` is the study's way, `given` keeps the
        manifest's own.
    validation, test: a count of rows (whole number of 1 or more), or a share (below 1).
    """

    by: Literal["group", "random", "given"] = "group"
    validation: int | float = 0.2
    test: int | float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Optimizer:
    """name: `sgd` (with momentum), or `adamw` (momentum is not used)."""

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _positive("optimizer.lr", self.lr)
        _share("optimizer.momentum", self.momentum)
        if self.weight_decay < 0:
            raise ConfigError(f"optimizer.weight_decay: {self.weight_decay} must not be below 0")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate moves.

    name: `constant`; `cosine` falls to nothing at the last step; `step` divides by ten every `step_epochs`.
    warmup_epochs: rises from nothing to the full rate over this many epochs first.
    """

    name: Literal["constant", "cosine", "step"] = "constant"
    warmup_epochs: float = 0.0
    step_epochs: int = 10

    def __post_init__(self) -> None:
        _positive("schedule.step_epochs", self.step_epochs)
        if self.warmup_epochs < 0:
            raise ConfigError(f"schedule.warmup_epochs: {self.warmup_epochs} must not be below 0")


@dataclass(frozen=True, slots=True)
class Augment:
    """Random changes to training crops; all off in the study.

    flip: mirror half of them.
    light: brightness and contrast change by up to this share.
    colour: each of R, G, B is scaled by up to this share, as a camera's white balance does.
    shift: moved by up to this share of the crop's side.
    zoom: enlarged or shrunk by up to this share.
    """

    flip: bool = False
    light: float = 0.0
    colour: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        for name in ("light", "colour", "shift", "zoom"):
            _share(f"augment.{name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What training does.

    network: a name that `maskwise.model.networks.build` knows.
    pretrained: let timm fetch its published weights (network traffic; timm networks only).
    faces: pictures without a box: `whole` takes them as they are, `detect` finds the face first.
    epochs, batch_size: one step sees batch_size crops over all processes together.
    keep: which epoch's weights become the artifact: the `last`, or the `best` by validation loss.
    patience: stop after this many epochs without a lower validation loss; null trains them all.
    precision: `32-true`, or `bf16-mixed` where the device has it.
    """

    network: str = "sequential"
    pretrained: bool = False
    crop: CropSpec = field(default_factory=CropSpec)
    preprocess: Preprocess = field(default_factory=Preprocess)
    thresholds: Thresholds = field(default_factory=Thresholds)
    faces: Literal["whole", "detect"] = "whole"
    split: Split = field(default_factory=Split)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    augment: Augment = field(default_factory=Augment)
    epochs: int = 4
    batch_size: int = 64
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    precision: Precision = "32-true"
    seed: int = 0

    def __post_init__(self) -> None:
        _positive("epochs", self.epochs)
        _positive("batch_size", self.batch_size)
        if self.patience is not None:
            _positive("patience", self.patience)
        if self.seed < 0 or self.split.seed < 0:
            raise ConfigError("seed: must not be below 0")
        if self.pretrained and not self.network.startswith("timm/"):
            raise ConfigError(f"pretrained: only timm networks have published weights, not {self.network!r}")

    def to_mapping(self) -> dict[str, Any]:
        """Plain numbers, texts and lists, for JSON and YAML."""
        mapping = asdict(self)
        mapping["preprocess"] = {key: list(value) for key, value in mapping["preprocess"].items()}
        return mapping

    def to_yaml(self) -> str:
        """The resolved recipe, as saved beside the weights."""
        return yaml.safe_dump(self.to_mapping(), sort_keys=False)


def names() -> list[str]:
    """Recipes that come with maskwise."""
    return sorted(p.name.removesuffix(".yaml") for p in _folder().iterdir() if p.name.endswith(".yaml"))


def load(name_or_file: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        name_or_file: the name of one that comes with maskwise, or a YAML file.
        overrides: dotted keys to values, as `{"optimizer.lr": 0.01}`; they win over the file.

    Raises:
        ConfigError: no such recipe, no YAML, or a key or value that is not allowed.
    """
    content = _read(name_or_file)
    for key, value in (overrides or {}).items():
        _set(content, key, value)
    return from_mapping(Recipe, "", content)


def parse_override(text: str) -> tuple[str, Any]:
    """`optimizer.lr=0.01` to a key and a typed value (YAML's types)."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {text!r}: expected KEY=VALUE, as in --set optimizer.lr=0.01")
    return key, yaml.safe_load(value)


def _folder() -> Any:
    return files("maskwise.training") / "recipes"


def _read(name_or_file: str) -> dict[str, Any]:
    try:
        if name_or_file in names():
            text = (_folder() / f"{name_or_file}.yaml").read_text()
        else:
            text = Path(name_or_file).read_text()
        content = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise ConfigError(
            f"recipe {name_or_file!r} is neither a file nor one of {', '.join(names())}; "
            "give one of these or a YAML file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {name_or_file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"recipe {name_or_file} is not YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"recipe {name_or_file}: expected keys and values, got {type(content).__name__}")
    return content or {}


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = content.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"unknown key {key}: {section} holds a value, not a section")
        content = inner
    content[last] = value
