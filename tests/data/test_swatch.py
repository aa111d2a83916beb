"""Cloth cut from one face's mask and worn by another, against cloth whose colour is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data import embedded
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.data.masks import MaskStyle, Sitter, cut_swatch, draw_mask, random_photographed_style, sit
from maskwise.data.masks.swatch import SWATCH_HW
from maskwise.data.masks.variants import Mix
from maskwise.data.rendering import Render, Rendered, render_dataset
from maskwise.errors import ConfigError
from maskwise.model.faces import YuNet
from maskwise.values import Image

RED, GREEN = (200, 40, 40), (40, 190, 60)
PLAIN_RED = MaskStyle(colour_rgb=RED, texture="plain", wrinkles=0.2)
WORN = MaskStyle(texture="photographed", strap="none")


def sitter_of(image: Image) -> Sitter:
    faces = YuNet()(image)
    return sit(image, faces.landmarks_xy[0], faces.boxes_xyxy[0])


@pytest.fixture(scope="module")
def astronaut() -> Sitter:
    return sitter_of(embedded.astronaut())


def plain(colour_rgb: tuple[int, int, int]) -> Image:
    return np.full((*SWATCH_HW, 3), colour_rgb, np.uint8)


class TestCutting:
    def test_it_is_the_cloth_and_nothing_else(self, astronaut: Sitter) -> None:
        swatch = cut_swatch(replace(astronaut, image=draw_mask(astronaut, PLAIN_RED)))
        assert swatch is not None
        assert swatch.shape == (*SWATCH_HW, 3)
        red, green, blue = (swatch[..., i].astype(int) for i in range(3))
        assert (red - np.maximum(green, blue) > 60).mean() > 0.99  # skin and lips are nowhere as red as that
        np.testing.assert_allclose(np.median(swatch, axis=(0, 1)), RED, atol=45)  # in white light, but for its shade

    @pytest.mark.parametrize("size_px", [256, 210])
    def test_it_hardly_depends_on_the_size_of_the_picture(self, astronaut: Sitter, size_px: int) -> None:
        small = cv2.resize(draw_mask(astronaut, PLAIN_RED), (size_px, size_px), interpolation=cv2.INTER_AREA)
        scale = np.float32(size_px / 512)
        faces = YuNet()(embedded.astronaut())
        one = cut_swatch(sit(np.asarray(small, np.uint8), faces.landmarks_xy[0] * scale, faces.boxes_xyxy[0] * scale))
        other = cut_swatch(replace(astronaut, image=draw_mask(astronaut, PLAIN_RED)))
        assert one is not None
        assert other is not None
        assert np.abs(one.astype(int) - other).mean() < 8

    def test_too_small_cut_off_or_dark_gives_none(self, astronaut: Sitter) -> None:
        image = astronaut.image
        faces = YuNet()(image)
        landmarks, box = faces.landmarks_xy[0], faces.boxes_xyxy[0]
        tiny = np.asarray(cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA), np.uint8)
        assert cut_swatch(sit(tiny, landmarks * np.float32(96 / 512), box * np.float32(96 / 512))) is None
        mouth = int(landmarks[3:, 1].mean())
        assert cut_swatch(sit(np.ascontiguousarray(image[:mouth]), landmarks, box)) is None
        assert cut_swatch(sit((image * 0.1).astype(np.uint8), landmarks, box)) is None

    def test_half_turned_faces_give_none(self, astronaut: Sitter) -> None:
        faces = YuNet()(astronaut.image)
        landmarks = faces.landmarks_xy[0].copy()
        landmarks[2, 0] += 0.5 * (landmarks[1, 0] - landmarks[0, 0])  # the nose before one eye
        turned = sit(astronaut.image, landmarks, faces.boxes_xyxy[0])
        assert abs(turned.pose.towards_camera[0]) > 0.5
        assert cut_swatch(turned) is None


class TestWearing:
    def test_the_mask_has_the_swatchs_colour(self, astronaut: Sitter) -> None:
        red, green = (draw_mask(astronaut, WORN, plain(colour)).astype(int) for colour in (RED, GREEN))
        where = (red - green)[..., 0] > 40
        assert where.sum() > 0.3 * np.prod(astronaut.box_xyxy[2:] - astronaut.box_xyxy[:2])
        assert (red[where][:, 0] > red[where][:, 1]).all()
        assert (green[where][:, 1] > green[where][:, 0]).all()

    def test_a_pattern_stays_the_right_way_up(self, astronaut: Sitter) -> None:
        halves = plain(RED)
        halves[SWATCH_HW[0] // 2 :] = GREEN
        drawn = draw_mask(astronaut, WORN, halves).astype(int)
        redness = (drawn[..., 0] - drawn[..., 1]) * (np.abs(drawn - astronaut.image).max(axis=2) > 30)
        rows = np.arange(512)[:, None]
        assert (rows * (redness > 60)).sum() / (redness > 60).sum() < (rows * (redness < -60)).sum() / (
            redness < -60
        ).sum()

    def test_without_a_swatch_it_says_so(self, astronaut: Sitter) -> None:
        with pytest.raises(ConfigError, match="photographed cloth needs a swatch"):
            draw_mask(astronaut, WORN)

    def test_any_way_of_wearing_has_a_style(self) -> None:
        for seed, wearing in enumerate(("covering", "nose_out", "chin", "one_ear", "forehead")):
            style = random_photographed_style(np.random.default_rng(seed), wearing)  # type: ignore[arg-type]
            assert (style.texture, style.wearing, style.shape, style.valve) == ("photographed", wearing, "flat", "none")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two bare faces and, under another name, one that wears red."""
    folder = tmp_path / "in"
    image = embedded.astronaut()
    save(image, folder / "unmasked" / "a.png")
    save(image[:, ::-1], folder / "unmasked" / "b.png")
    save(draw_mask(sitter_of(image), PLAIN_RED), folder / "masked" / "c.png")
    return folder


def save(image: Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.ascontiguousarray(image)).save(path)


def made(manifest: Manifest, folder: Path, share: float = 1.0, lines: list[str] | None = None) -> Rendered:
    mix = Mix(wearings=("covering", "nose_out"), each=2, photographed=share)
    return render_dataset(manifest, folder, Render(mix), workers=1, say=None if lines is None else lines.append)


class TestDataSets:
    def test_everyone_wears_the_cloth_of_the_masked(self, people: Path, tmp_path: Path) -> None:
        result = made(read_dataset(people), tmp_path / "out")
        assert sorted(result.manifest.rows["label"]) == ["incorrect", "incorrect", "masked", "masked"]
        assert set(result.manifest.rows["kind"]) == {"photographed"}
        table = pl.read_csv(tmp_path / "out" / "rendered.csv")
        assert table["swatch"].n_unique() == 1
        assert (tmp_path / "out" / table["swatch"][0]).is_file()
        for path in result.manifest.rows["path"]:
            picture = np.asarray(Pillow.open(path)).astype(int)
            assert ((picture[..., 0] - picture[..., 1:].max(axis=2)) > 60).sum() > 2_000  # the bare picture has 700

    def test_a_second_run_keeps_all_and_reads_nothing(self, people: Path, tmp_path: Path) -> None:
        manifest, out = read_dataset(people), tmp_path / "out"
        first = made(manifest, out)
        for path in people.rglob("*.png"):
            path.unlink()
        again = made(manifest, out)
        assert again.kept == first.manifest.rows.height
        assert again.manifest.rows.equals(first.manifest.rows)

    def test_without_masked_faces_all_cloth_is_drawn_and_a_line_says_so(self, people: Path, tmp_path: Path) -> None:
        lines: list[str] = []
        bare = Manifest(read_dataset(people).rows.filter(pl.col("label") == "unmasked"))
        result = made(bare, tmp_path / "out", lines=lines)
        assert result.manifest.rows.height == 4
        assert "photographed" not in set(result.manifest.rows["kind"])
        assert lines == ["no face labelled masked shows enough of its mask to cut cloth from: all cloth is drawn"]

    def test_drawn_masks_give_no_swatches(self, people: Path, tmp_path: Path) -> None:
        rows = read_dataset(people).rows.with_columns(provenance=pl.lit("rendered"))
        lines: list[str] = []
        made(Manifest(rows), tmp_path / "out", lines=lines)
        assert len(lines) == 1

    def test_a_share_of_them(self, people: Path, tmp_path: Path) -> None:
        mix = Mix(each=40, photographed=0.5)
        table = render_dataset(read_dataset(people), tmp_path / "out", Render(mix, size_px=256), workers=1).manifest
        kinds = table.rows["kind"].to_list()
        assert 0.3 < kinds.count("photographed") / len(kinds) < 0.7

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [({"photographed": 1.5}, "--photographed 1.5"), ({"photographed": 0.5, "grid": True}, "grid")],
    )
    def test_wrong_requests(self, wrong: dict[str, float], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            Mix(**wrong)  # type: ignore[arg-type]
