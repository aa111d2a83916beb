"""The artifact: the one thing that crosses from training to inference. A folder of tensors and JSON.

model.json         what the model is, how pictures reach it, what was measured, sha256 of every other file
model.onnx         the network, crops in, logits out, any batch size
model.safetensors  the same weights for PyTorch
report.html, report.json, predictions.csv, history.csv   how training went, and what was measured

Loading reads JSON and hands model.onnx to ONNX Runtime; it never runs code from the folder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from maskwise.errors import ArtifactError, ConfigError
from maskwise.model.config import from_mapping
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.storage import PARTIAL, written_whole
from maskwise.model.verdict import OperatingPoint, Thresholds
from maskwise.values import CLASSES

DEFAULT = "default"
"""The name of the artifact that comes with maskwise, in place of a folder."""

SCHEMA_VERSION = 1
ONNX_NAME, TENSORS_NAME, CARD_NAME = "model.onnx", "model.safetensors", "model.json"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The content of model.json.

    labels: classes in the order of the outputs.
    network: name that `maskwise.model.networks.build` knows.
    crop, preprocess, thresholds: as in inference.
    faces: what training did with pictures that have no box: `whole` used them as they are, `detect` looked for the
        face first. Evaluation does the same.
    temperature: the logits are divided by it before the softmax.
    operating_points: by name; `balanced` has the thresholds above. Empty where too few faces were held out.
    precision: of the weights and of the arithmetic in model.onnx.
    figures: headline figures, each {"value", "low", "high", "n"}, with the split's name in their key.
    data: fingerprint, counts and sources of the training data.
    recipe: the resolved recipe.
    versions: of maskwise and of what trained it.
    licence: what is known about the rights in the training data.
    files: sha256 of each file beside model.json.
    """

    labels: tuple[str, ...]
    network: str
    crop: CropSpec
    preprocess: Preprocess
    thresholds: Thresholds = field(default_factory=Thresholds)
    faces: Literal["whole", "detect"] = "whole"
    temperature: float = 1.0
    operating_points: dict[str, OperatingPoint] = field(default_factory=dict)
    precision: Literal["fp32", "int8"] = "fp32"
    figures: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    licence: str = ""
    files: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        unknown = [name for name in self.labels if name not in CLASSES]
        if unknown or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ArtifactError(f"labels: {list(self.labels)} must be two or three different names out of {CLASSES}")
        if not self.temperature > 0:
            raise ArtifactError(f"temperature: {self.temperature} must be above 0")

    def thresholds_at(self, operating_point: str | None) -> Thresholds:
        """The thresholds of an operating point; `thresholds` if None.

        Raises:
            ConfigError: this model has no such operating point.
        """
        if operating_point is None:
            return self.thresholds
        if operating_point not in self.operating_points:
            there = ", ".join(self.operating_points) or "none at all: too few faces were held out when it was trained"
            raise ConfigError(f"operating point {operating_point!r} is not in this model; it has {there}")
        return self.operating_points[operating_point].thresholds


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_card(folder: Path, card: ModelCard) -> ModelCard:
    """Hash every file of the folder and write model.json last, so that a half-written artifact never loads.

    Raises:
        StorageError: the folder cannot be written.
    """
    files = {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CARD_NAME and not path.name.endswith(PARTIAL)
    }
    content = asdict(card) | {"files": files}
    with written_whole(folder / CARD_NAME) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")
    return read_card(folder)


def folder_of(artifact: str | Path) -> Path:
    """The folder of an artifact, which is named by itself, or as `default`.

    Raises:
        ArtifactError: the installation has lost its model.
    """
    if str(artifact) != DEFAULT:
        return Path(artifact)
    bundled = Path(__file__).parent / DEFAULT
    if not (bundled / CARD_NAME).is_file():
        raise ArtifactError(
            f"the model that comes with maskwise is missing from {bundled.parent}; install maskwise again, or name the "
            "artifact folder of a model that you trained"
        )
    return bundled


def read_card(folder: Path) -> ModelCard:
    """Read model.json and check every file that it names.

    Raises:
        ArtifactError: no artifact there, a newer schema, a file missing or altered.
    """
    path = folder / CARD_NAME
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise ArtifactError(
            f"{folder} is not a model folder: cannot read {CARD_NAME} ({error.strerror}); "
            "give the folder that `maskwise train` wrote"
        ) from error
    except ValueError as error:
        raise ArtifactError(f"{path} is not valid JSON ({error}); copy the model folder again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has schema version {version}, this maskwise reads up to {SCHEMA_VERSION}; "
            "update maskwise (pip install -U maskwise)"
        )
    card = _card_from(content, path)
    if ONNX_NAME not in card.files:
        raise ArtifactError(f"{path} has no sha256 of {ONNX_NAME}: nothing vouches for it; copy the model folder again")
    for name, digest in card.files.items():
        _check_file(folder, name, digest)
    return card


def _card_from(content: Any, path: Path) -> ModelCard:
    try:
        return from_mapping(ModelCard, "", content)
    except ConfigError as error:
        raise ArtifactError(f"{path}: {error}; copy the model folder again") from error


def _check_file(folder: Path, name: str, digest: str) -> None:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ArtifactError(f"{folder / CARD_NAME} names {name!r}, which lies outside the model folder; do not use it")
    if not path.is_file():
        raise ArtifactError(f"{folder} lacks {name}, which {CARD_NAME} lists; copy the model folder again")
    found = sha256_of(path)
    if found != digest:
        raise ArtifactError(
            f"{path} was altered: sha256 {found[:12]}… instead of {digest[:12]}…; copy the model folder again"
        )
