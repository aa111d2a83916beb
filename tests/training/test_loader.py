from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.errors import DataError
from maskwise.model.crops import CropSpec, crop_whole
from maskwise.model.images import read_image
from maskwise.training.loader import NO_CLASS, cut_all, examples, load_crops
from tests.builders import rows_of

FILL = """
import resource, sys
from pathlib import Path
from maskwise.data.formats import read_dataset
from maskwise.errors import StorageError
from maskwise.model.crops import CropSpec
from maskwise.training.loader import cut_all
manifest = read_dataset(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    cut_all(manifest, CropSpec(100), Path(sys.argv[2]))
except StorageError as error:
    print(error)
    sys.exit(7)
"""


def faces(folder: Path) -> Path:
    for label in ("masked", "unmasked"):
        (folder / label).mkdir(parents=True)
        for i in range(3):
            pixels = np.random.default_rng(i).integers(0, 256, (30, 40, 3)).astype(np.uint8)
            Pillow.fromarray(pixels).save(folder / label / f"{i}.png")
    return folder


def test_a_full_disk_while_cutting_is_told_and_does_not_kill(tmp_path: Path) -> None:
    """Through a memory map it would be a bus error; a limit on the file's size refuses the bytes in the same place."""
    command = [sys.executable, "-c", FILL, str(faces(tmp_path / "data")), str(tmp_path / "crops.npy")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 7, ran.stderr
    assert "cannot write the cut faces" in ran.stdout


def test_targets_are_places_among_the_classes_and_what_is_not_a_face_has_none() -> None:
    crops = np.zeros((3, 16, 16, 3), np.uint8)
    rows = Manifest(rows_of(3, label=["unmasked", "not_a_face", "masked"]))
    assert examples(rows, ("masked", "unmasked"), crops).targets.tolist() == [1, NO_CLASS, 0]
    with pytest.raises(DataError, match=r"labels \['unmasked'\] are not among the model's"):
        examples(rows, ("masked", "incorrect"), crops)


def test_cut_faces_are_those_of_their_rows_and_a_lost_picture_is_told(tmp_path: Path) -> None:
    manifest, spec, path = read_dataset(faces(tmp_path / "data")), CropSpec(16), tmp_path / "crops.npy"
    cut_all(manifest, spec, path)
    expected = [crop_whole(read_image(Path(p)), spec) for p in manifest.rows["path"]]
    assert np.array_equal(load_crops(path), np.stack(expected))
    cut_all(Manifest(manifest.rows[:0]), spec, path)
    assert load_crops(path).shape == (0, 16, 16, 3)
    (tmp_path / "data" / "masked" / "1.png").unlink()
    with pytest.raises(DataError, match=r"1\.png.*could be read when this run was prepared"):
        cut_all(manifest, spec, path)
