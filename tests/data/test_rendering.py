from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data import embedded, rendering
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import SCHEMA, Manifest, load
from maskwise.data.masks import GRID
from maskwise.data.masks.faces import choose_face, find_faces, shrunk
from maskwise.data.masks.variants import Mix
from maskwise.data.rendering import Render, Rendered, render_dataset
from maskwise.errors import ConfigError, DataError, StorageError
from maskwise.model.faces import YuNet
from maskwise.model.images import read_image
from maskwise.values import Faces, Image

PEOPLE = 3


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Three people, one picture each, twice their size; one of them a second time; and a masked one."""
    folder = tmp_path_factory.mktemp("bare")
    for i in range(PEOPLE):
        person, grey = embedded.orl_faces()[i * 10]
        save(enlarged(grey), folder / "without_mask" / f"{person}.png")
    save(enlarged(embedded.orl_faces()[0][1]), folder / "without_mask" / "again.png")
    save(enlarged(embedded.orl_faces()[70][1]), folder / "with_mask" / "masked.png")
    return read_dataset(folder, source="orl")


def enlarged(image: Image) -> Image:
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def save(image: Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image).save(path)


def made(manifest: Manifest, folder: Path, *, size_px: int | None = None, seed: int = 0, **mix: Any) -> Rendered:
    return render_dataset(manifest, folder, Render(Mix(**mix), size_px=size_px, seed=seed), workers=1)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


class TestWhatIsWritten:
    def test_a_row_says_all_about_its_picture(self, bare: Manifest, tmp_path: Path) -> None:
        result = made(bare, tmp_path, each=2, kinds=("moulded",), wearings=("covering", "nose_out"), bare=True)
        rows = result.manifest.rows
        assert rows.height == PEOPLE * 3
        assert result.faces == PEOPLE  # a copy is drawn once
        assert sorted(rows["label"]) == ["incorrect"] * PEOPLE + ["masked"] * PEOPLE + ["unmasked"] * PEOPLE
        assert set(rows["source"]) == {"orl-rendered"}
        assert set(rows["provenance"]) == {"rendered"}
        assert set(rows["kind"]) == {"moulded", "bare"}
        originals = dict(bare.usable.select("sha256", "path").iter_rows())
        for row in rows.iter_rows(named=True):
            path = Path(row["path"])
            assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
            assert read_image(path).shape[:2] == (row["height"], row["width"])
            assert row["origin"] in originals
            assert row["group"] == row["origin"]
            assert path.parent.name == row["label"]
            assert row["error"] is row["split"] is row["x_min"] is None

    def test_the_manifest_is_read_again_as_written(self, bare: Manifest, tmp_path: Path) -> None:
        result = made(bare, tmp_path)
        again = load(tmp_path / "manifest.parquet")
        assert again.rows.equals(result.manifest.rows)
        assert again.rows.schema == SCHEMA
        table = pl.read_csv(tmp_path / "rendered.csv")
        assert table["path"].to_list() == [str(Path(p).relative_to(tmp_path)) for p in again.rows["path"]]
        assert {"wearing", "colour_rgb", "texture", "top_mm", "seed", "shape", "valve", "cell"} <= set(table.columns)

    def test_a_group_is_kept(self, bare: Manifest, tmp_path: Path) -> None:
        grouped = Manifest(bare.rows.with_columns(group=pl.lit("family")))
        assert set(made(grouped, tmp_path).manifest.rows["group"]) == {"family"}

    def test_the_same_seed_gives_the_same_bytes_and_another_one_others(self, bare: Manifest, tmp_path: Path) -> None:
        folders = [tmp_path / name for name in "abc"]
        for folder, seed in zip(folders, (1, 1, 2), strict=True):
            made(bare, folder, seed=seed, negatives=("hand", "beard", "cup"), each=4)
        one, again, other = (
            {name: digest for name, digest in contents(folder).items() if name.endswith(".jpg")} for folder in folders
        )
        assert one == again
        assert not set(one.values()) & set(other.values())

    def test_processes_and_one_process_agree(self, bare: Manifest, tmp_path: Path) -> None:
        render_dataset(bare, tmp_path / "one", Render(), workers=1)
        render_dataset(bare, tmp_path / "two", Render(), workers=2)
        one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
        assert {n: h for n, h in one.items() if "jpg" in n} == {n: h for n, h in two.items() if "jpg" in n}

    def test_the_bare_picture_differs_from_its_original_by_jpeg_only(self, bare: Manifest, tmp_path: Path) -> None:
        result = made(bare, tmp_path, bare=True)
        row = result.manifest.rows.filter(pl.col("kind") == "bare").row(0, named=True)
        original = bare.rows.filter(pl.col("sha256") == row["origin"])["path"][0]
        difference = np.abs(read_image(Path(row["path"])).astype(int) - read_image(Path(original)))
        assert difference.mean() < 3

    def test_the_grid_holds_every_cell_for_every_face(self, bare: Manifest, tmp_path: Path) -> None:
        result = made(bare, tmp_path, grid=True)
        table = pl.read_csv(tmp_path / "rendered.csv")
        assert table.height == len(GRID) * PEOPLE
        for _, cells in table.group_by("origin"):
            assert set(cells["cell"]) == {cell.name for cell in GRID}
        by_name = {cell.name: cell for cell in GRID}
        assert all(by_name[row["cell"]].label == row["label"] for row in table.iter_rows(named=True))
        assert set(result.manifest.rows["kind"]) == {cell.shape for cell in GRID}

    def test_larger_pictures_are_made_smaller_with_their_boxes(self, tmp_path: Path) -> None:
        save(embedded.astronaut(), tmp_path / "in" / "unmasked" / "a.png")
        whole = read_dataset(tmp_path / "in")
        box = {"x_min": 170.0, "y_min": 50.0, "x_max": 280.0, "y_max": 180.0}
        boxed = Manifest(whole.rows.with_columns(pl.lit(v, pl.Float32).alias(n) for n, v in box.items()))
        row = made(boxed, tmp_path / "out", size_px=256).manifest.rows.row(0, named=True)
        assert (row["width"], row["height"]) == (256, 256)
        assert [row[name] for name in box] == [value / 2 for value in box.values()]

    def test_ways_of_wearing_and_negatives_take_turns(self, bare: Manifest, tmp_path: Path) -> None:
        made(bare, tmp_path, each=5, wearings=("covering", "nose_out"), negatives=("hand", "beard", "cup"))
        table = pl.read_csv(tmp_path / "rendered.csv")
        for _, rows in table.group_by("origin"):
            assert sorted(rows["wearing"].drop_nulls()) == ["covering", "nose_out"]
            assert set(rows.filter(pl.col("wearing").is_null())["kind"]) == {"hand", "beard", "cup"}
        assert set(table.filter(pl.col("wearing").is_null())["label"]) == {"unmasked"}


class TestGoingOn:
    def test_what_is_there_is_kept_and_what_is_missing_is_made(self, bare: Manifest, tmp_path: Path) -> None:
        first = made(bare, tmp_path, each=3)
        before = contents(tmp_path)
        gone = Path(first.manifest.rows["path"][4])
        gone.unlink()
        stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.jpg")}
        second = made(bare, tmp_path, each=3)
        assert second.kept == PEOPLE * 3 - 1
        assert contents(tmp_path) == before
        assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
        assert second.manifest.rows.equals(first.manifest.rows)

    def test_a_finished_run_looks_at_no_picture_again(
        self, bare: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = made(bare, tmp_path)
        monkeypatch.setattr(rendering, "read_image", lambda path: pytest.fail(f"read {path}"))
        second = made(bare, tmp_path)
        assert second.kept == PEOPLE
        assert second.manifest.rows.equals(first.manifest.rows)

    def test_more_pictures_of_each_face_keep_the_first(self, bare: Manifest, tmp_path: Path) -> None:
        made(bare, tmp_path, each=1)
        assert made(bare, tmp_path, each=3).kept == PEOPLE

    def test_a_half_written_file_is_no_picture(self, bare: Manifest, tmp_path: Path) -> None:
        first = made(bare, tmp_path)
        path = Path(first.manifest.rows["path"][0])
        path.rename(path.with_name(path.name + ".partial"))
        assert made(bare, tmp_path).kept == PEOPLE - 1


class TestWhatCannotBeUsed:
    def test_a_bad_picture_costs_one_line(self, bare: Manifest, tmp_path: Path) -> None:
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"no picture")
        extra = bare.usable.filter(pl.col("label") == "unmasked").head(1)
        rows = pl.concat([bare.rows, extra.with_columns(path=pl.lit(str(broken)), sha256=pl.lit("0" * 64))])
        lines: list[str] = []
        result = render_dataset(Manifest(rows), tmp_path / "out", Render(), workers=1, say=lines.append)
        assert result.manifest.rows.height == PEOPLE
        assert result.skipped == {"cannot be read": 1}
        assert len(lines) == 1
        assert "broken.png" in lines[0]

    def test_a_picture_without_a_face_is_counted(self, bare: Manifest, tmp_path: Path) -> None:
        save(np.full((90, 90, 3), 90, np.uint8), tmp_path / "in" / "unmasked" / "grey.png")
        both = Manifest(pl.concat([bare.rows, read_dataset(tmp_path / "in").rows]))
        assert made(both, tmp_path / "out").skipped == {"no face found": 1}

    @pytest.mark.parametrize(
        ("labels", "message"), [(["masked"], "no usable row is labelled unmasked"), ([], "no usable row")]
    )
    def test_no_bare_faces(self, bare: Manifest, tmp_path: Path, labels: list[str], message: str) -> None:
        with pytest.raises(DataError, match=message):
            made(Manifest(bare.rows.filter(pl.col("label").is_in(labels))), tmp_path)

    def test_nothing_drawn_says_why(self, tmp_path: Path) -> None:
        save(np.full((90, 90, 3), 90, np.uint8), tmp_path / "in" / "unmasked" / "grey.png")
        with pytest.raises(DataError, match=r"nothing could be drawn on 1 bare faces: no face found \(1\)"):
            made(read_dataset(tmp_path / "in"), tmp_path / "out")

    def test_a_full_disk_is_one_line(self, bare: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(StorageError, match="No space left on device"):
            made(bare, tmp_path)
        assert not list(tmp_path.rglob("*.partial"))

    def test_a_file_where_the_folder_should_be(self, bare: Manifest, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("taken")
        with pytest.raises(StorageError, match="out"):
            made(bare, tmp_path / "out")

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"kinds": ("silk",)}, r"--kinds: 'silk' is not one of surgical, cloth"),
            ({"wearings": ("knee",)}, r"--wearing: 'knee' is not one of covering"),
            ({"negatives": ("fork",)}, r"--negatives: 'fork' is not one of hand, beard, cup"),
            ({"each": 0}, r"--each 0"),
            ({"kinds": ()}, r"nothing to draw"),
        ],
    )
    def test_wrong_requests(self, wrong: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            Mix(**wrong)

    def test_pictures_cannot_be_made_tiny(self) -> None:
        with pytest.raises(ConfigError, match="--size 20"):
            Render(size_px=20)


class TestFaces:
    def test_small_pictures_are_searched_once_and_agree_with_the_detector(self) -> None:
        image = shrunk(embedded.astronaut(), 256)
        found, plain = find_faces(image), YuNet()(image)
        np.testing.assert_allclose(found.boxes_xyxy[0], plain.boxes_xyxy[0], atol=4)
        np.testing.assert_allclose(found.landmarks_xy[0], plain.landmarks_xy[0], atol=3)

    def test_the_box_says_which_face(self) -> None:
        one = embedded.astronaut()[:256, 96:352]
        image = np.ascontiguousarray(np.concatenate([one, one], axis=1))
        found = find_faces(image)
        assert len(found) == 2
        for left in (0, 256):
            sitter = choose_face(image, found, np.array([left + 70, 40, left + 190, 190], np.float32))
            assert not isinstance(sitter, str)
            assert left < sitter.pose.origin[0] < left + 256
        assert choose_face(image, found, np.array([0, 0, 30, 30], np.float32)) == "no face found in the box"

    def test_why_there_is_no_face(self) -> None:
        image = np.zeros((100, 100, 3), np.uint8)
        box = np.array([[10, 10, 60, 70]], np.float32)
        unknown = Faces(box, np.ones(1, np.float32), np.full((1, 5, 2), np.nan, np.float32))
        small = Faces(box / np.float32(5), np.ones(1, np.float32), np.ones((1, 5, 2), np.float32))
        assert choose_face(image, Faces.none(), None) == "no face found"
        assert choose_face(image, unknown, None) == "the landmarks are no face's"
        assert choose_face(image, small, None) == "the face is under 24 pixels wide"
