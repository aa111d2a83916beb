from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data.audit import shelf as shelves
from maskwise.data.audit.shelf import Shelf, contents, fill
from maskwise.data.embedded import orl_faces
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import SCHEMA, Manifest
from maskwise.errors import StorageError
from maskwise.values import Faces, Image


class Counting:
    """A detector that finds nothing, counts how often it was asked, and fails at one call."""

    def __init__(self, fail_at: int = -1) -> None:
        self.asked, self.fail_at = 0, fail_at

    def __call__(self, image: Image) -> Faces:  # noqa: ARG002 - a detector is asked with the picture
        self.asked += 1
        if self.asked == self.fail_at:
            raise KeyboardInterrupt
        return Faces.none()


@pytest.fixture
def data(tmp_path: Path) -> Manifest:
    for i, (_, picture) in enumerate(orl_faces()[:24]):
        folder = tmp_path / "set" / ("masked" if i % 2 else "unmasked")
        folder.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(picture).save(folder / f"{i:02d}.png")
    copy = tmp_path / "set" / "masked" / "copy.png"
    copy.write_bytes((tmp_path / "set" / "masked" / "01.png").read_bytes())
    return read_dataset(tmp_path / "set")


def same(one: Shelf, other: Shelf) -> bool:
    return all(np.asarray(getattr(one, name)).tobytes() == np.asarray(getattr(other, name)).tobytes()
               for name in ("pictures", "faces", "rows"))  # fmt: skip


def test_a_content_is_looked_at_once_and_every_row_has_its_face(data: Manifest, tmp_path: Path) -> None:
    detect = Counting()
    shelf = fill(data, tmp_path / "looks", detect)
    assert data.usable.height == 25
    assert contents(data).height == detect.asked == len(shelf.pictures) == 24
    assert sorted(shelf.rows) == list(range(25))
    assert len(shelf.faces) == 25
    places, descriptors = shelf.points(0)
    assert places.shape == (len(descriptors), 2)
    assert len(descriptors) > 20


@pytest.mark.parametrize("fail_at", [1, 5, 13, 24])
def test_an_interrupted_run_is_gone_on_from(
    data: Manifest, tmp_path: Path, fail_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "CHUNK", 4)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    whole = fill(data, tmp_path / "whole", Counting())
    with pytest.raises(KeyboardInterrupt):
        fill(data, tmp_path / "looks", Counting(fail_at))
    with (tmp_path / "looks" / "points").open("ab") as file:
        file.write(b"half a record")  # what a kill in the middle of a write leaves
    again = Counting()
    assert same(fill(data, tmp_path / "looks", again), whole)
    assert again.asked == 24 - (fail_at - 1) // 4 * 4
    last = Counting()
    assert same(fill(data, tmp_path / "looks", last), whole)
    assert last.asked == 0


def test_looks_of_other_data_are_not_mixed_in(data: Manifest, tmp_path: Path) -> None:
    fill(data, tmp_path / "looks", None)
    fewer = Manifest(data.rows.head(10))
    shelf = fill(fewer, tmp_path / "looks", None)
    assert len(shelf.faces) == 10
    turned = Manifest(data.rows.reverse())
    assert same(fill(turned, tmp_path / "looks", None), fill(turned, tmp_path / "fresh", None))


def test_a_picture_that_went_away_is_a_record_without_content(data: Manifest, tmp_path: Path) -> None:
    Path(data.rows["path"][3]).unlink()
    shelf = fill(data, tmp_path / "looks", None)
    assert int(np.sum(~shelf.pictures["readable"])) == 1


def test_where_nothing_can_be_written_there_is_one_clear_error(data: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot write .*file/looks"):
        fill(data, tmp_path / "file" / "looks", None)


def test_boxes_of_one_picture_in_another_order_are_looked_at_again(data: Manifest, tmp_path: Path) -> None:
    """Same picture, same labels, same set of boxes: only the order tells which record is whose."""
    row = data.usable.head(1)
    boxes = [row.with_columns(x_min=x, y_min=0.0, x_max=x + 40, y_max=60.0) for x in (0.0, 50.0)]
    there, back = (Manifest(pl.concat(two).select(SCHEMA.names()).cast(SCHEMA)) for two in (boxes, boxes[::-1]))
    first = np.array(fill(there, tmp_path / "looks", None).faces)
    assert np.array(fill(back, tmp_path / "looks", None).faces).tobytes() == first[::-1].tobytes() != first.tobytes()
