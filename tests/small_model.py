"""A small real model: the study's network at 24 pixels, trained for a moment on faces that ordinary packages carry."""

from __future__ import annotations

from pathlib import Path

from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.training import recipe as recipes
from maskwise.training.run import train

PEOPLE = 8


def small_data(folder: Path) -> Path:
    """Eighty faces of eight people, half of them with a mask drawn on."""
    return build_demo_dataset(folder, people=PEOPLE)


def small_model(data: Path, run: Path) -> Path:
    """The artifact of a run over the small data."""
    overrides = {
        "crop.size_px": 24, "batch_size": 8, "epochs": 8, "split.validation": 0.25,
        "optimizer.name": "adamw", "optimizer.lr": 1e-3,
    }  # fmt: skip
    return train(lambda: read_dataset(data), recipes.load("study", overrides), run)
