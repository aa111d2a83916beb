"""After training: export, prove the export, measure it on held-out pictures, and write the artifact."""

from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

from maskwise.data.manifest import Manifest
from maskwise.data.splits import straddling
from maskwise.errors import StorageError
from maskwise.model.artifact import ONNX_NAME, TENSORS_NAME, ModelCard, write_card
from maskwise.model.classifier import MaskClassifier
from maskwise.training import checkpoint
from maskwise.training.export import Parity, check_parity, export_onnx
from maskwise.training.listener import Listener
from maskwise.training.loader import Examples
from maskwise.training.logs import write_history
from maskwise.training.recipe import Recipe
from maskwise.training.trainer import EpochRecord

PARITY_CROPS = 64
