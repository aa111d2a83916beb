from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data.collection import Source, is_collection, read_collection
from maskwise.errors import ConfigError, DataError

SOURCES = {
    "crowd": Source("given"),
    "web/bare": Source("test", label="unmasked"),
    "folders": Source("train"),
    "elsewhere": Source("validation"),
    "absent": Source("train"),
}


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train/with_mask/a.png", "train/without_mask/b.png", "val/with_mask/c.png")):
        picture(tmp_path / "crowd" / name, seed)
    picture(tmp_path / "web" / "bare" / "deep" / "d.png", 3)
    picture(tmp_path / "folders" / "masked" / "e.png", 4)
    picture(tmp_path / "elsewhere" / "masked" / "f.png", 5)
    return tmp_path


def test_every_set_plays_its_part(folder: Path) -> None:
    said: list[str] = []
    rows = read_collection(folder, SOURCES, say=said.append).rows
    got = {Path(path).name: rest for path, *rest in rows.select("path", "source", "label", "split").iter_rows()}
    assert got == {
        "a.png": ["crowd", "masked", None],
        "b.png": ["crowd", "unmasked", None],
        "c.png": ["crowd", "masked", "test"],
        "d.png": ["web/bare", "unmasked", "test"],
        "e.png": ["folders", "masked", None],
        "f.png": ["elsewhere", "masked", "validation"],
    }
    assert said == [f"absent: not in {folder}, left out"]


@pytest.mark.parametrize(("split", "rest"), [("train", None), ("validation", "validation"), ("test", "test")])
def test_half_of_a_set_is_tested_on_by_its_content(
    split: Literal["train", "validation", "test"], rest: str | None, tmp_path: Path
) -> None:
    for seed in range(12):
        picture(tmp_path / "things" / f"{seed}.png", seed)
        picture(tmp_path / "things" / "again" / f"{seed}-copy.png", seed)
    rows = read_collection(tmp_path, {"things": Source(split, label="not_a_face", test_half=True)}).rows
    got = {Path(path).name: split for path, split in rows.select("path", "split").iter_rows()}
    digits = {path.name: sha256(path.read_bytes()).hexdigest()[0] for path in (tmp_path / "things").rglob("*.png")}
    assert got == {name: "test" if int(digit, 16) % 2 == 0 else rest for name, digit in digits.items()}
    assert set(got.values()) == {"test", rest}
    assert set(rows["label"]) == {"not_a_face"}


def test_a_folder_with_none_of_the_sets_is_no_collection(folder: Path) -> None:
    assert is_collection(folder, SOURCES)
    assert not is_collection(folder / "crowd", SOURCES)
    assert not is_collection(folder, {})


def test_what_cannot_be(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'bare' is not a class; use one of masked"):
        Source(label="bare")
    (folder / "web" / "bare" / "deep" / "d.png").unlink()
    with pytest.raises(DataError, match="holds no picture to call unmasked"):
        read_collection(folder, SOURCES)
