from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data import manifest as manifests
from maskwise.data import show
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.errors import DataError, StorageError
from maskwise.model.images import read_image
from maskwise.model.palette import COLOURS


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Blue masked faces of 20 and 40 px, red unmasked ones of 80 px."""
    for folder, colour, sides in (("masked", (0, 0, 250), (20, 40, 40)), ("unmasked", (250, 0, 0), (80,))):
        (tmp_path / folder).mkdir()
        for i, side in enumerate(sides):
            Pillow.new("RGB", (side + 10, side), (*colour[:2], colour[2] - i)).save(tmp_path / folder / f"{i}.png")
    return read_dataset(tmp_path, source="toy")


def drawn(figure: object, path: Path) -> np.ndarray:
    show.save(figure, path)  # type: ignore[arg-type]
    return read_image(path)


def near(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=2) < 8).sum())


def test_samples_show_the_pictures_of_each_class(manifest: Manifest, tmp_path: Path) -> None:
    image = drawn(show.samples(manifest), tmp_path / "samples.png")
    assert near(image, (0, 0, 249)) > 2 * near(image, (250, 0, 0)) > 2000  # three blue, one red


def test_samples_are_the_same_for_the_same_seed(manifest: Manifest, tmp_path: Path) -> None:
    first, again = (drawn(show.samples(manifest, each=1, seed=4), tmp_path / f"{i}.png") for i in range(2))
    np.testing.assert_array_equal(first, again)


def test_samples_use_the_boxes(tmp_path: Path) -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[20:40, 20:40] = (0, 200, 0)
    Pillow.fromarray(picture).save(tmp_path / "boxed.png")
    (tmp_path / "m.csv").write_text("path,label,x_min,y_min,x_max,y_max\nboxed.png,masked,20,20,40,40\n")
    image = drawn(show.samples(manifests.load(tmp_path / "m.csv")), tmp_path / "samples.png")
    assert near(image, (0, 200, 0)) > near(image, (0, 0, 0)), "the box fills the crop, but for its margin"


def test_a_picture_that_went_is_shown_grey(manifest: Manifest) -> None:
    Path(manifest.rows["path"][0]).unlink()
    assert show.samples(manifest).axes


def test_counts_for_each_source_and_split(manifest: Manifest) -> None:
    parted = Manifest(manifest.rows.with_columns(split=pl.Series(["validation", "train", "train", "train"])))
    assert show.counts_by(parted).rows() == [("toy", "train", 2, 1), ("toy", "validation", 1, 0)]
    assert show.counts_by(manifest).rows() == [("toy", None, 3, 1)]


def test_what_is_not_a_face_is_counted_and_shown_under_its_name(manifest: Manifest, tmp_path: Path) -> None:
    first = pl.int_range(pl.len()) == 0
    named = Manifest(manifest.rows.with_columns(label=pl.when(first).then(pl.lit("not_a_face")).otherwise("label")))
    assert show.counts_by(named).to_dicts() == [
        {"source": "toy", "split": None, "masked": 2, "unmasked": 1, "not_a_face": 1}
    ]
    sheet = show.samples(named)
    assert [axes.get_title(loc="left").split()[0] for axes in sheet.axes] == list(named.labels)
    red, green, blue = (int(COLOURS["not_a_face"][i : i + 2], 16) for i in (1, 3, 5))
    for draw in (show.balance, show.sizes):
        assert near(drawn(draw(named), tmp_path / "figure.png"), (red, green, blue)) > 200


def test_face_sizes_are_the_shorter_side(manifest: Manifest, tmp_path: Path) -> None:
    assert show.face_sizes(manifest)["side_px"].to_list() == [20, 40, 40, 80]
    Pillow.new("RGB", (60, 60)).save(tmp_path / "boxed.png")
    (tmp_path / "m.csv").write_text("path,label,x_min,y_min,x_max,y_max\nboxed.png,masked,20,20,50,32\n")
    assert show.face_sizes(manifests.load(tmp_path / "m.csv"))["side_px"].to_list() == [12]


@pytest.mark.parametrize("draw", [show.balance, show.sizes])
def test_figures_use_the_colours_of_the_classes(draw: object, manifest: Manifest, tmp_path: Path) -> None:
    image = drawn(draw(manifest), tmp_path / "figure.png")  # type: ignore[operator]
    for label in manifest.labels:
        red, green, blue = (int(COLOURS[label][i : i + 2], 16) for i in (1, 3, 5))
        assert near(image, (red, green, blue)) > 200


@pytest.mark.parametrize("draw", [show.samples, show.balance, show.sizes])
def test_nothing_usable_is_told(draw: object) -> None:
    with pytest.raises(DataError, match="nothing to show"):
        draw(manifests.empty())  # type: ignore[operator]


def test_a_place_that_cannot_be_written_is_told(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        show.save(show.balance(manifest), tmp_path / "file" / "b.png")


def test_pyplot_is_not_touched() -> None:
    code = "import sys, maskwise.data.show; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
