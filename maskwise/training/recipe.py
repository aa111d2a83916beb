"""A recipe: everything that decides what training does, in one small typed YAML file.

The resolved copy is saved beside the weights. Where training runs (device, processes, folders) is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from maskwise.data.collection import Source
from maskwise.data.rendering import Render
from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.verdict import Thresholds
from maskwise.values import LABELS

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

    by: `group` keeps people and exact duplicates on one side, `source` tests on one whole source, `random` is the
        study's way, `given` keeps the manifest's own.
    validation, test: a count of rows (whole number of 1 or more), or a share (below 1); with `source`, test is the
        source's name.
    keep_given: faces that the data marks as `validation` or `test` stay so, and only the others are divided.
    """

    by: Literal["group", "source", "random", "given"] = "group"
    validation: int | float = 0.2
    test: int | float | str = 0.0
    keep_given: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Optimizer:
    """How the weights move.

    name: `sgd` (with momentum), or `adamw` (momentum is not used).
    clip: largest norm of a step's gradient; null lets it be as large as it is.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None:
            _positive("optimizer.clip", self.clip)
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

    How much:
        flip: mirror half of them.
        light: brightness and contrast change by up to this share.
        colour: each of R, G, B is scaled by up to this share, as a camera's white balance does.
        gamma: middle tones, by an exponent between exp(-gamma) and exp(gamma).
        shift: moved by up to this share of the crop's side.
        zoom: enlarged or shrunk by up to this share.
        rotate: turned by up to so many degrees.
        context: share of the side that is kept around each crop, so that a moved crop shows the picture there and not
            its own repeated edge.

    How often, as a share of the crops:
        border: cut close to the face, what lay around it replaced by the repeated edge, as it is for a face at the
            border of its picture. Sets of faces that are cut out already would otherwise be told by it.
        coarse: shrunk to between 20 pixels and its own size, and enlarged again: a face that is far away.
        blur: out of focus, or moved while the shutter was open.
        noise: of a dim sensor.
        jpeg: compressed with a quality of 25 to 95.
        grey: without colour.
    """

    flip: bool = False
    light: float = 0.0
    colour: float = 0.0
    gamma: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    rotate: float = 0.0
    context: float = 0.0
    border: float = 0.0
    coarse: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: float = 0.0
    grey: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            if f.name not in ("flip", "rotate"):
                _share(f"augment.{f.name}", getattr(self, f.name))
        if not 0 <= self.rotate <= 180:
            raise ConfigError(f"augment.rotate: {self.rotate} must be between 0 and 180 degrees")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which examples an epoch sees.

    by: `once`, every example once; `balanced`, drawn so that every class comes as often as `classes` says, and within
        a class each source as often as the square root of its size asks for, times what `sources` says.
    classes: how often each class, and `not_a_face`, comes, as parts of any whole; equally often if empty.
    size: examples in a balanced epoch; as many as there are if null.
    rendered: share of rendered pictures among those of a class, where it has both.
    rendered_of: that share for single classes, where it is another.
    sources: factors on how often a source comes among those of its class: 0.5 is half as often, 0 never.
    """

    by: Literal["once", "balanced"] = "once"
    classes: dict[str, float] = field(default_factory=dict)
    size: int | None = None
    rendered: float = 0.33
    rendered_of: dict[str, float] = field(default_factory=dict)
    sources: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, given in (("classes", self.classes), ("rendered_of", self.rendered_of)):
            for name in given:
                if name not in LABELS:
                    raise ConfigError(f"sampling.{key}: {name!r} is not a class; use {', '.join(LABELS)}")
        for name, part in self.classes.items():
            _positive(f"sampling.classes.{name}", part)
        for name, share in self.rendered_of.items():
            _share(f"sampling.rendered_of.{name}", share)
        for name, factor in self.sources.items():
            if not factor >= 0:
                raise ConfigError(f"sampling.sources.{name}: {factor} must not be below 0")
        _share("sampling.rendered", self.rendered)
        if self.size is not None:
            _positive("sampling.size", self.size)


@dataclass(frozen=True, slots=True)
class Shards:
    """How the cut faces lie where no disk holds them all, and with that in which order an epoch sees them.

    rows: faces of a shard; 36 MB of them at 108 pixels.
    window: shards whose faces are mixed; three windows are kept on a machine.
    """

    rows: int = 1024
    window: int = 16

    def __post_init__(self) -> None:
        _positive("shards.rows", self.rows)
        _positive("shards.window", self.window)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What training does.

    network: a name that `maskwise.model.networks.build` knows.
    pretrained: begin with published weights; `efficientnet-lite0` has them in an installed package, `timm/<name>`
        fetches them over the network.
    faces: what is cut: `whole`, the annotated box, or the whole picture where there is none; `detect`, the box in which
        the detector finds the same face, as inference does.
    sources: where --data names a folder that holds these data sets, what each of them is for.
    render: pictures to draw of the bare faces that are trained on, and to train on as well; null draws none.
    epochs, batch_size: one step sees batch_size crops over all processes together.
    label_smoothing: share of each target that is spread evenly over the classes (Szegedy et al. 2016).
    mixup: mix pairs of crops with a share drawn from Beta(mixup, mixup) (Zhang et al. 2018); 0 mixes none.
    ema: the artifact gets a moving average of the weights that keeps this share of itself each step; 0 takes them as
        they are.
    keep: which epoch's weights become the artifact: the `last`, or the `best` by validation loss.
    patience: stop after this many epochs without a lower validation loss; null trains them all.
    shards: the cut faces of the training part lie in shards; null has them in one file.
    precision: `32-true`, or `bf16-mixed` where the device has it.
    channels_last: keep the channels of a pixel together in memory: half as fast again for networks of depthwise
        convolutions, also on a CPU.
    """

    network: str = "sequential"
    pretrained: bool = False
    crop: CropSpec = field(default_factory=CropSpec)
    preprocess: Preprocess = field(default_factory=Preprocess)
    thresholds: Thresholds = field(default_factory=Thresholds)
    faces: Literal["whole", "detect"] = "whole"
    sources: dict[str, Source] = field(default_factory=dict)
    render: Render | None = None
    split: Split = field(default_factory=Split)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    augment: Augment = field(default_factory=Augment)
    sampling: Sampling = field(default_factory=Sampling)
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0
    epochs: int = 4
    batch_size: int = 64
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    shards: Shards | None = None
    precision: Precision = "32-true"
    channels_last: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _positive("epochs", self.epochs)
        _positive("batch_size", self.batch_size)
        if self.patience is not None:
            _positive("patience", self.patience)
        if self.seed < 0 or self.split.seed < 0:
            raise ConfigError("seed: must not be below 0")
        _share("label_smoothing", self.label_smoothing)
        if self.mixup < 0 or not 0 <= self.ema < 1:
            raise ConfigError(f"mixup: {self.mixup} must not be below 0, ema: {self.ema} must be 0 or more and below 1")
        if self.augment.context and self.faces != "detect":
            raise ConfigError("augment.context: a whole picture has nothing around it; set faces to detect, or it to 0")
        if self.pretrained and self.network.startswith("sequential"):
            raise ConfigError(f"pretrained: there are no published weights of {self.network!r}; set it to false")

    def to_mapping(self) -> dict[str, Any]:
        """Plain numbers, texts and lists, for JSON and YAML."""
        mapping = asdict(self)
        plain: dict[str, Any] = _plain(mapping)
        return plain

    def to_yaml(self) -> str:
        """The resolved recipe, as saved beside the weights."""
        return yaml.safe_dump(self.to_mapping(), sort_keys=False)


def _plain(value: Any) -> Any:
    """Lists for tuples, all the way down: YAML would write tuples as Python objects."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


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
