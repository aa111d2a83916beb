from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data.boxes import ENOUGH, NO_FACE, detected
from maskwise.data.manifest import BOX, SCHEMA, Manifest
from maskwise.values import Faces, Image

SIDE = 60


class OneFace:
    """Finds one face, in the middle of every picture that is not black."""

    box = (20.0, 22.0, 40.0, 46.0)

    def __call__(self, image: Image) -> Faces:
        if not image.any():
            return Faces.none()
        box = np.array([self.box], np.float32)
        return Faces(box, np.ones(1, np.float32), np.full((1, 5, 2), np.nan, np.float32))


def manifest(
    folder: Path, boxes: Sequence[tuple[float, ...] | None], *, faces: list[bool], source: str = "a"
) -> Manifest:
    rows = []
    for i, (box, face) in enumerate(zip(boxes, faces, strict=True)):
        path = folder / f"{source}{i}.png"
        Pillow.fromarray(np.full((SIDE, SIDE, 3), 200 if face else 0, np.uint8)).save(path)
        sides = dict(zip(BOX, box or (None,) * 4, strict=True))
        rows.append(dict.fromkeys(SCHEMA) | sides | {"path": str(path), "label": "masked", "source": source})
    return Manifest(pl.DataFrame(rows, schema=SCHEMA))


def boxes_after(found: Manifest) -> np.ndarray:
    return found.boxes_xyxy()


def test_without_a_box_the_face_is_looked_for(tmp_path: Path) -> None:
    found = detected(manifest(tmp_path, [None, None], faces=[True, False]), OneFace())
    assert boxes_after(found)[0].tolist() == list(OneFace.box)
    assert np.isnan(boxes_after(found)[1]).all()
    assert found.rows["error"].to_list() == [None, NO_FACE]


def test_what_is_not_a_face_is_not_looked_for(tmp_path: Path) -> None:
    given = manifest(tmp_path, [None, (0.0, 0.0, 50.0, 50.0), None], faces=[True, True, False])
    given = Manifest(given.rows.with_columns(label=pl.lit("not_a_face")))
    assert detected(given, OneFace()).rows.equals(given.rows)


def test_an_annotated_face_gets_the_box_that_inference_will_have(tmp_path: Path) -> None:
    loose = (16.0, 14.0, 44.0, 50.0)
    found = detected(manifest(tmp_path, [loose], faces=[True]), OneFace())
    assert boxes_after(found).tolist() == [list(OneFace.box)]


def test_another_face_of_the_picture_is_no_match(tmp_path: Path) -> None:
    beside = (0.0, 0.0, 15.0, 15.0)
    found = detected(manifest(tmp_path, [beside], faces=[True]), OneFace())
    assert boxes_after(found).tolist() == [list(beside)]
    assert found.rows["error"].to_list() == [None]


@pytest.mark.parametrize(("seen", "moves"), [(ENOUGH, True), (ENOUGH - 1, False)])
def test_a_face_that_is_not_found_is_moved_as_the_others_of_its_source(tmp_path: Path, seen: int, moves: bool) -> None:
    """Annotated boxes are a quarter larger, and an eighth of the face too high; a missed one of another size, too."""
    left, top, right, bottom = OneFace.box
    width, height = right - left, bottom - top
    loose = (left - width / 8, top - height / 4, right + width / 8, bottom)
    large = (10.0, 10.0, 50.0, 58.0)
    own = manifest(tmp_path, [loose] * seen + [large], faces=[True] * seen + [False])
    other = manifest(tmp_path, [large], faces=[False], source="b")
    after = boxes_after(detected(Manifest(pl.concat([own.rows, other.rows])), OneFace()))
    assert (after[:seen] == OneFace.box).all()
    assert after[-1].tolist() == list(large), "nothing is known of the other source"
    tight_height, lower = 48 / 1.25, 48 * (height / 8) / (1.25 * height)
    expected = [30 - 16, 34 + lower - tight_height / 2, 30 + 16, 34 + lower + tight_height / 2]
    np.testing.assert_allclose(after[-2], expected if moves else large, atol=1e-3)


def test_a_picture_that_is_gone_costs_its_own_rows(tmp_path: Path) -> None:
    both = manifest(tmp_path, [None, None], faces=[True, True])
    Path(both.rows["path"][0]).unlink()
    found = detected(both, OneFace())
    assert "a0.png" in found.rows["error"][0]
    assert found.rows["error"][1] is None
