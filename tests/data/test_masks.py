from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.data import embedded
from maskwise.data.masks import (
    GRID,
    KINDS,
    LANDMARKS_MM,
    NEGATIVES,
    WEARINGS,
    Array,
    MaskStyle,
    Pose,
    Wearing,
    draw_mask,
    draw_negative,
    fit_pose,
    random_kind_style,
    random_style,
    render_mask,
    sit,
    wearing_label,
)
from maskwise.data.masks.negatives.skin import skin_colour
from maskwise.data.masks.raster import unwrap, window_around
from maskwise.data.masks.style import Shape
from maskwise.data.masks.surface import ACROSS, DOWN, surface
from maskwise.errors import ConfigError, ShapeError
from maskwise.model.faces import YuNet
from maskwise.values import Image

Face = tuple[Image, Array, Array]
RED, BLUE = (220, 30, 30), (30, 30, 220)


@pytest.fixture(scope="module")
def astronaut() -> Face:
    return found(embedded.astronaut())


@pytest.fixture(scope="module")
def people() -> list[Face]:
    """One picture of each ORL person, tinted (a grey picture would get grey masks), in all poses the set has."""
    pictures = embedded.orl_faces()
    tint = np.array([1.0, 0.9, 0.8], np.float32)
    return [found((pictures[i * 10 + i % 10][1] * tint).astype(np.uint8)) for i in range(40)]


def found(image: Image) -> Face:
    faces = YuNet()(image)
    return image, faces.landmarks_xy[0], faces.boxes_xyxy[0]


def scaled(face: Face, factor: float) -> Face:
    image, landmarks, box = face
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=method), np.uint8)
    return resized, (landmarks * factor).astype(np.float32), (box * factor).astype(np.float32)


def cover(face: Face, style: MaskStyle) -> NDArray[np.bool_]:
    """Where the cloth is, found without the renderer's help: where red cloth and blue cloth give different pixels."""
    plain = replace(style, texture="plain", strap="none")
    red, blue = (render_mask(*face, replace(plain, colour_rgb=c)).astype(int) for c in (RED, BLUE))
    return np.asarray((red - blue)[..., 0] > 30)


def at(where: NDArray[np.bool_], point_xy: Array) -> bool:
    height, width = where.shape
    x, y = np.round(point_xy).astype(int)
    return bool(where[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])


def patch(point_xy: Array, face: Face, radius_mm: float) -> tuple[slice, slice]:
    """Rows and columns around a point; the eyes stand 62 mm apart."""
    image, landmarks, _ = face
    reach = max(1, round(radius_mm * float(np.linalg.norm(landmarks[1] - landmarks[0])) / 62))
    x, y = np.round(point_xy).astype(int)
    top, left = (max(0, min(at, size - 1) - reach) for at, size in zip((y, x), image.shape[:2], strict=True))
    return slice(top, y + reach + 1), slice(left, x + reach + 1)


class TestRendering:
    def test_the_same_style_gives_the_same_pixels_and_leaves_the_input_alone(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut[0].copy(), astronaut[1].copy(), astronaut[2].copy()
        style = random_style(np.random.default_rng(3))
        first, again = (render_mask(image, landmarks, box, style) for _ in range(2))
        assert (first == again).all()
        for before, after in zip(astronaut, (image, landmarks, box), strict=True):
            np.testing.assert_array_equal(before, after)
        assert first.dtype == np.uint8
        assert (first != image).any()

    @pytest.mark.parametrize("seed", range(8))
    def test_nothing_changes_away_from_the_mask(self, astronaut: Face, seed: int) -> None:
        image, _, box = astronaut
        style = random_style(np.random.default_rng(seed))
        changed = (render_mask(*astronaut, style) != image).any(axis=2)
        rows, columns = np.nonzero(changed)
        width, height = box[2] - box[0], box[3] - box[1]
        assert rows.min() > box[1] + 0.25 * height  # below the brows
        assert rows.max() < box[3] + 0.30 * height  # the shadow falls on the neck
        assert columns.min() > box[0] - 0.3 * width
        assert columns.max() < box[2] + 0.3 * width
        grown = cv2.dilate(cover(astronaut, style).astype(np.uint8), np.ones((29, 29), np.uint8)) > 0
        far = changed & ~grown
        assert far.sum() <= 0.06 * changed.sum()  # straps only
        assert not (render_mask(*astronaut, replace(style, strap="none")) != image).any(axis=2)[~grown].any()

    def test_every_mask_covers_nose_and_mouth(self, people: list[Face]) -> None:
        for i, face in enumerate(people):
            where = cover(face, random_style(np.random.default_rng(i)))
            _, landmarks, _ = face
            mouth = landmarks[3:].mean(axis=0)
            assert at(where, landmarks[2]), f"person {i}: nose"
            assert at(where, mouth), f"person {i}: mouth"
            assert at(where, landmarks[3]) or at(where, landmarks[4]), f"person {i}: both corners of the mouth"
            assert not at(where, landmarks[0]), f"person {i}: right eye"
            assert not at(where, landmarks[1]), f"person {i}: left eye"

    @pytest.mark.parametrize(("wearing", "mouth_covered"), [("nose_out", True), ("chin", False)])
    def test_a_mask_worn_wrongly_leaves_the_nose_bare(
        self, people: list[Face], wearing: Wearing, mouth_covered: bool
    ) -> None:
        for i, face in enumerate(people):
            where = cover(face, random_style(np.random.default_rng(i), wearing))
            _, landmarks, _ = face
            assert where.any()
            assert not at(where, landmarks[2]), f"person {i}: nose"
            assert at(where, landmarks[3:].mean(axis=0)) == mouth_covered, f"person {i}: mouth"

    def test_a_higher_edge_covers_more(self, astronaut: Face) -> None:
        tops = [np.nonzero(cover(astronaut, MaskStyle(top_mm=mm)))[0].min() for mm in (4, 14, 24)]
        assert tops[0] < tops[1] < tops[2]

    @pytest.mark.parametrize("face_px", [12, 60, 128, 400, 1000])
    def test_faces_of_any_size(self, astronaut: Face, face_px: int) -> None:
        image, landmarks, box = astronaut
        corner = np.array([94, 10], np.float32)
        portrait = image[10:270, 94:354], landmarks - corner, box - np.tile(corner, 2)
        face = scaled(portrait, face_px / float(box[3] - box[1]))
        where = cover(face, MaskStyle())
        assert at(where, face[1][2])
        share = where.sum() / face_px**2
        assert 0.30 < share < 0.45  # the same part of the face at every size

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_a_turned_picture_gets_a_turned_mask(self, astronaut: Face, turns: int) -> None:
        image, landmarks, box = astronaut
        cut = np.ascontiguousarray(image[:300, 70:370])
        face = cut, landmarks - np.array([70, 0], np.float32), box - np.array([70, 0, 70, 0], np.float32)
        points, corners = face[1], face[2].reshape(2, 2)
        for _ in range(turns):  # np.rot90 moves (x, y) to (y, width - 1 - x)
            points, corners = (np.stack([p[:, 1], 299 - p[:, 0]], axis=1) for p in (points, corners))
        turned_box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        turned = np.ascontiguousarray(np.rot90(cut, turns)), points, turned_box
        after, before = np.rot90(cover(face, MaskStyle()), turns), cover(turned, MaskStyle())
        assert (after & before).sum() / (after | before).sum() > 0.88  # a box helps to fit an upright head only

    def test_a_head_turned_aside_shows_less_of_the_far_side(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        nose = landmarks[2].copy()
        turned = landmarks.copy()
        turned[2, 0] -= 8  # towards the person's right
        where = cover((image, turned, box), MaskStyle())
        columns = np.nonzero(where[round(float(nose[1]))])[0]
        assert turned[2, 0] - columns.min() < 0.75 * (columns.max() - turned[2, 0])

    def test_faces_cut_off_by_the_border(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        for left, top in ((224, 0), (0, 120), (260, 0)):
            cut = np.ascontiguousarray(image[top:, left:])
            moved = np.array([left, top], np.float32)
            result = render_mask(cut, landmarks - moved, box - np.tile(moved, 2), MaskStyle())
            assert result.shape == cut.shape
            assert (result != cut).any()
        away = np.array([2000, 0], np.float32)
        assert (render_mask(image, landmarks + away, box + np.tile(away, 2), MaskStyle()) == image).all()

    def test_a_grey_picture_gets_a_grey_mask(self) -> None:
        face = found(embedded.orl_faces()[5][1])
        result = render_mask(*face, MaskStyle(colour_rgb=RED))
        assert (result != face[0]).any()
        assert (result[..., 0] == result[..., 2]).all()

    def test_the_mask_stands_in_the_light_of_the_picture(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        white = MaskStyle(colour_rgb=(240, 240, 240))
        where = cover(astronaut, white)
        dark = (image * 0.4).astype(np.uint8)
        bright_mean = render_mask(image, landmarks, box, white)[where].mean()
        assert render_mask(dark, landmarks, box, white)[where].mean() < 0.6 * bright_mean
        columns = np.nonzero(where.any(axis=0))[0]
        middle = int(columns.mean())
        lamp = np.clip(0.75 + (np.arange(512) - middle) / 180, 0.4, 1)[:, None]  # from the right of the picture
        lit = render_mask((image * lamp).astype(np.uint8), landmarks, box, white)
        assert lit[:, :middle][where[:, :middle]].mean() < 0.9 * lit[:, middle:][where[:, middle:]].mean()


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_covers_nose_and_mouth_and_not_the_eyes(self, people: list[Face], kind: str) -> None:
        for i, face in enumerate(people[:8]):
            style = replace(random_kind_style(np.random.default_rng(i), kind), under_hair=False, valve="none")
            where = cover(face, style)
            landmarks = face[1]
            assert at(where, landmarks[2]), f"person {i}: nose"
            assert at(where, landmarks[3:].mean(axis=0)), f"person {i}: mouth"
            assert not at(where, landmarks[0]), f"person {i}: right eye"
            assert not at(where, landmarks[1]), f"person {i}: left eye"

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("wearing", ["chin", "one_ear", "forehead"])
    def test_mouth_and_nose_stay_as_they_are_when_the_mask_is_elsewhere(
        self, people: list[Face], astronaut: Face, kind: str, wearing: Wearing
    ) -> None:
        for i, face in enumerate([astronaut, *people[:6]]):
            style = random_kind_style(np.random.default_rng(i), kind, wearing)
            image, landmarks, _ = face
            drawn = draw_mask(sit(*face), style)
            nose = patch(landmarks[2], face, 8)
            assert (drawn[nose] == image[nose]).all(), f"face {i}: nose"
            if wearing != "chin":  # its shadow may reach the lips
                lips = patch(landmarks[3:].mean(axis=0), face, 8)
                assert (drawn[lips] == image[lips]).all(), f"face {i}: mouth"

    def test_a_mask_on_the_forehead_or_on_one_ear_is_seen(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        across = float(box[2] - box[0])
        wearings: tuple[Wearing, ...] = ("forehead", "one_ear")
        for wearing in wearings:
            style = random_kind_style(np.random.default_rng(1), "surgical", wearing)
            changed = (draw_mask(sit(*astronaut), style) != image).any(axis=2)
            assert changed.sum() > 0.03 * across**2
            forehead = landmarks[:2].mean(axis=0) - np.array([0, 0.38 * across])
            assert at(changed, forehead) == (wearing == "forehead")

    @pytest.mark.parametrize("turn_px", [-9, 9])
    def test_a_mask_on_one_ear_hangs_on_the_side_that_is_seen(self, astronaut: Face, turn_px: int) -> None:
        image, landmarks, box = astronaut
        turned = landmarks.copy()
        turned[2, 0] += turn_px  # the nose moves away from the cheek that faces the camera
        styles = [
            replace(random_kind_style(np.random.default_rng(2), "cloth", "one_ear"), side=side)
            for side in ("left", "right")
        ]
        one, other = (draw_mask(sit(image, turned, box), style) for style in styles)
        assert (one == other).all()
        columns = np.nonzero((one != image).any(axis=2))[1]
        assert (columns.mean() < landmarks[2, 0]) == (turn_px > 0)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_mirrored_face_gets_a_mirrored_mask(self, astronaut: Face, kind: str) -> None:
        image, landmarks, box = astronaut
        mirrored = landmarks.copy()
        mirrored[:, 0] = image.shape[1] - 1 - mirrored[:, 0]
        flipped = np.ascontiguousarray(image[:, ::-1]), mirrored[[1, 0, 2, 4, 3]], box.copy()
        flipped[2][[0, 2]] = image.shape[1] - 1 - box[[2, 0]]
        style = replace(random_kind_style(np.random.default_rng(4), kind), tilt_mm=0, valve="none", under_hair=False)
        before, after = cover(astronaut, style), cover(flipped, style)[:, ::-1]
        assert (before & after).sum() > 0.96 * (before | after).sum()

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_face_in_profile_gets_a_mask_that_stays_on_it(self, astronaut: Face, kind: str) -> None:
        image, landmarks, box = astronaut
        c, s = np.cos(np.radians(75)), np.sin(np.radians(75))
        turned = (LANDMARKS_MM @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T)[:, :2] * 1.5 + landmarks[:2].mean(
            axis=0
        )
        style = replace(random_kind_style(np.random.default_rng(5), kind), under_hair=False)
        where = cover((image, turned.astype(np.float32), box), style)
        rows, columns = np.nonzero(where)
        assert where.sum() > 1000
        assert np.ptp(columns) < 1.5 * 150  # no wider than a head seen from the side
        assert rows.min() > turned[:2, 1].mean() - 5

    def test_kinds_look_different_and_repeat(self, astronaut: Face) -> None:
        sitter = sit(*astronaut)
        looks = [draw_mask(sitter, random_kind_style(np.random.default_rng(6), kind)) for kind in KINDS]
        again = [draw_mask(sitter, random_kind_style(np.random.default_rng(6), kind)) for kind in KINDS]
        for i, look in enumerate(looks):
            assert (look == again[i]).all()
            assert all((look != other).any() for other in looks[:i])

    def test_a_valve_changes_the_mask_where_it_sits_and_nowhere_else(self, astronaut: Face) -> None:
        plain = MaskStyle(shape="cup", texture="moulded", side_mm=16, reach_deg=62, bottom_mm=114)
        sitter = sit(*astronaut)
        without, right = draw_mask(sitter, plain), draw_mask(sitter, replace(plain, valve="right"))
        columns = np.nonzero((without != right).any(axis=2))[1]
        assert 100 < len(columns) < 0.15 * cover(astronaut, plain).sum()
        assert columns.max() < astronaut[1][2, 0]  # the person's right is on the left

    def test_dark_hair_over_the_cheek_stays_in_front(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        style = MaskStyle(strap="none", colour_rgb=(240, 240, 240), texture="plain", side_mm=60)
        y = round(float(landmarks[2, 1] + 10))
        x = int(np.nonzero(cover(astronaut, style)[y])[0].min()) + 6  # the cheek that is turned to the camera
        strand = image.copy()
        strand[int(landmarks[1, 1]) : int(box[3]), x - 14 : x + 6] = (20, 14, 10)
        over, under = (
            draw_mask(sit(strand, landmarks, box), replace(style, under_hair=under))[y, x] for under in (False, True)
        )
        assert over.mean() > 80
        assert under.mean() < 40

    def test_masks_drawn_before_leave_no_trace(self, astronaut: Face) -> None:
        styles = [random_kind_style(np.random.default_rng(i), "surgical", w) for i, w in enumerate(WEARINGS)]
        sitter = sit(*astronaut)
        together = [draw_mask(sitter, style) for style in styles]
        for style, picture in zip(reversed(styles), reversed(together), strict=True):
            assert (picture == draw_mask(sit(*astronaut), style)).all()

    def test_hair_stays_in_front_on_faces_of_any_size(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        style = MaskStyle(strap="none", colour_rgb=(240, 240, 240), texture="plain", side_mm=60, under_hair=True)
        strand = image.copy()
        x, top, bottom = int(box[0]) + 6, int(landmarks[0, 1]), int(box[3])
        strand[top:bottom, x - 8 : x + 12] = (20, 14, 10)
        hidden = []
        for factor in (1.0, 2.0, 5.0):
            face = scaled((strand, landmarks, box), factor)
            seen = np.abs(render_mask(*face, style).astype(int) - render_mask(*face, replace(style, under_hair=False)))
            hidden.append((seen.max(axis=2) > 40).mean())
        assert min(hidden) > 0
        assert max(hidden) < 1.3 * min(hidden)

    @pytest.mark.parametrize(
        ("wearing", "label"),
        [("covering", "masked"), *((w, "incorrect") for w in ("nose_out", "chin", "one_ear", "forehead"))],
    )
    def test_labels(self, wearing: Wearing, label: str) -> None:
        assert wearing_label(wearing) == label

    def test_what_is_not_known_is_refused_with_what_is(self, astronaut: Face) -> None:
        with pytest.raises(ConfigError, match=r"'balaclava'.*gaiter"):
            random_kind_style(np.random.default_rng(0), "balaclava")
        with pytest.raises(ConfigError, match=r"'knee'.*forehead"):
            wearing_label("knee")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"'fork'.*hand"):
            draw_negative(sit(*astronaut), "fork", 0)


class TestGrid:
    def test_the_table(self) -> None:
        assert len(GRID) == 9 * 3 * 4
        assert len({cell.name for cell in GRID}) == len(GRID)
        assert {cell.label for cell in GRID if cell.height == "low"} == {"incorrect"}
        assert {cell.label for cell in GRID if cell.height != "low"} == {"masked"}

    def test_labels_say_what_the_pictures_show(self, astronaut: Face, people: list[Face]) -> None:
        for face in (astronaut, *people[:4]):
            for cell in GRID[::4]:  # one colour: the others lie in the same place
                where = cover(face, replace(cell.style, under_hair=False, valve="none"))
                assert at(where, face[1][2]) == (cell.label == "masked"), cell.name
                assert at(where, face[1][3:].mean(axis=0)), cell.name

    def test_cells_of_one_shape_and_height_differ_in_colour_only(self, astronaut: Face) -> None:
        wide = [cell for cell in GRID if cell.shape == "wide" and cell.height == "high"]
        assert {replace(cell.style, colour_rgb=RED) for cell in wide} == {replace(wide[0].style, colour_rgb=RED)}
        looks = [draw_mask(sit(*astronaut), cell.style) for cell in wide]
        assert all((look != looks[0]).any() for look in looks[1:])


class TestNegatives:
    @pytest.mark.parametrize("kind", NEGATIVES)
    @pytest.mark.parametrize("seed", range(4))
    def test_the_mouth_changes_and_the_eyes_do_not(self, people: list[Face], kind: str, seed: int) -> None:
        for i, face in enumerate(people[seed * 4 : seed * 4 + 4]):
            image, landmarks, box = face
            drawn = draw_negative(sit(*face), kind, seed)
            for eye in landmarks[:2]:
                eye_patch = patch(eye, face, 5)
                assert (drawn[eye_patch] == image[eye_patch]).all(), f"face {i}"
            lower = image[int(landmarks[2, 1]) :, int(box[0]) : int(box[2])]
            changed = np.abs(drawn[int(landmarks[2, 1]) :, int(box[0]) : int(box[2])].astype(int) - lower).max(axis=2)
            assert (changed > 10).mean() > 0.1, f"face {i}"
            assert (drawn == draw_negative(sit(*face), kind, seed)).all()

    @pytest.mark.parametrize("kind", ["hand", "cup"])
    def test_a_hand_or_cup_hides_the_mouth(self, astronaut: Face, kind: str) -> None:
        image, landmarks, _ = astronaut
        for seed in range(6):
            mouth = patch(landmarks[3:].mean(axis=0), astronaut, 6)
            assert (draw_negative(sit(*astronaut), kind, seed)[mouth] != image[mouth]).any(axis=-1).mean() > 0.9

    def test_a_beard_darkens_the_jaw_and_leaves_the_lips(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        mouth = landmarks[3:].mean(axis=0)
        chin = mouth + np.array([0, 0.72 * (float(box[3]) - float(mouth[1]))])
        for seed in range(6):
            drawn = draw_negative(sit(*astronaut), "beard", seed)
            jaw, lips = patch(chin, astronaut, 6), patch(mouth, astronaut, 3)
            assert drawn[jaw].mean() < 0.8 * image[jaw].mean()
            assert abs(float(drawn[lips].mean()) - float(image[lips].mean())) < 0.06 * image[lips].mean()

    def test_a_hand_has_the_colour_of_the_face(self, astronaut: Face, people: list[Face]) -> None:
        for face in (astronaut, people[0], people[7]):
            sitter = sit(*face)
            skin = skin_colour(sitter)
            hand = draw_negative(sitter, "hand", 1)[patch(face[1][3:].mean(axis=0), face, 8)].reshape(-1, 3)
            hue, own = hand.mean(axis=0) / hand.mean(), skin / skin.mean()
            np.testing.assert_allclose(hue, own, atol=0.15)

    @pytest.mark.parametrize("kind", NEGATIVES)
    def test_faces_outside_the_picture(self, astronaut: Face, kind: str) -> None:
        image, landmarks, box = astronaut
        away = np.array([5000, 0], np.float32)
        assert (draw_negative(sit(image, landmarks + away, box + np.tile(away, 2)), kind, 0) == image).all()


class TestStyles:
    def test_styles_vary_and_repeat(self) -> None:
        styles = [random_style(np.random.default_rng(i)) for i in range(300)]
        assert styles == [random_style(np.random.default_rng(i)) for i in range(300)]
        assert {s.texture for s in styles} == {"plain", "pleated", "ridge", "dots", "stripes", "check", "blotches"}
        assert {s.strap for s in styles} == {"ear", "head", "none"}
        assert np.ptp([s.top_mm for s in styles]) > 15
        colours = np.array([s.colour_rgb for s in styles])
        assert colours.mean(axis=1).min() < 50
        assert colours.mean(axis=1).max() > 220
        chroma = np.ptp(colours, axis=1)
        assert (chroma < 15).mean() > 0.1  # grey, black and white ones
        assert (chroma > 60).mean() > 0.2
        skin_like = (colours[:, 0] > colours[:, 1] + 15) & (colours[:, 1] > colours[:, 2] + 5)
        assert skin_like.mean() > 0.05

    def test_each_texture_looks_different(self, astronaut: Face) -> None:
        face = scaled(astronaut, 1.5)
        where = cover(face, MaskStyle())
        looks = [
            render_mask(*face, MaskStyle(texture=t, colour_rgb=(120, 120, 120), second_rgb=(30, 30, 30)))[where]
            for t in ("plain", "pleated", "ridge", "dots", "stripes", "check", "blotches")
        ]
        for i, one in enumerate(looks):
            for other in looks[:i]:
                assert np.abs(one.astype(int) - other).mean() > 1.5

    def test_what_no_mask_can_be_is_refused(self) -> None:
        for wrong in ({"top_mm": 45}, {"reach_deg": 120}, {"side_mm": 0}, {"wrinkles": 2}, {"bottom_mm": float("nan")}):
            with pytest.raises(ConfigError, match=next(iter(wrong))):
                MaskStyle(**wrong)
        assert MaskStyle(shape="tube", bottom_mm=160).bottom_mm == 160
        with pytest.raises(ConfigError, match="bottom_mm"):
            MaskStyle(bottom_mm=160)
        with pytest.raises(ConfigError, match="covering"):
            MaskStyle(wearing="hat")  # type: ignore[arg-type]


class TestPose:
    def test_the_average_face_seen_square_on(self) -> None:
        pose = fit_pose(LANDMARKS_MM[:, :2] * 2 + np.array([50, 40], np.float32))
        np.testing.assert_allclose(pose.axes[:, :2], [[2, 0], [0, 2]], atol=1e-4)
        np.testing.assert_allclose(pose.origin, [50, 40], atol=1e-3)
        np.testing.assert_allclose(pose.towards_camera, [0, 0, 1], atol=1e-4)

    @pytest.mark.parametrize("yaw_deg", [-35, -15, 20, 40])
    def test_a_turn_of_the_head_is_read_from_the_landmarks(self, yaw_deg: float) -> None:
        c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
        rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        pose = fit_pose((LANDMARKS_MM @ rotation.T)[:, :2].astype(np.float32) * 3)
        np.testing.assert_allclose(pose.axes / 3, rotation[:2], atol=1e-4)

    @pytest.mark.parametrize("yaw_deg", [-60, -30, 0, 30, 60])
    @pytest.mark.parametrize("shape", ["flat", "duckbill"])
    def test_each_pixel_shows_the_point_of_the_surface_that_lies_there(self, yaw_deg: float, shape: Shape) -> None:
        c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
        axes = np.array([[c, 0, s], [0, 1, 0]], np.float32) * 2
        pose, surface_mm = Pose(axes, np.array([200, 100], np.float32)), surface(MaskStyle(shape=shape))
        there = pose.project(surface_mm)
        window = window_around(there, 4, np.zeros((400, 400, 3), np.uint8))
        assert window is not None
        shown = unwrap(window, pose, surface_mm, (DOWN, ACROSS))
        seen = cv2.remap(there, shown.x, shown.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x, y = np.moveaxis(seen, -1, 0)
        rows, columns = np.indices(window.size_hw)
        off = np.hypot(x - columns - window.left, y - rows - window.top)[shown.cover == 1]
        assert np.percentile(off, 98) < 1.5  # cv2.remap counts in 32nds of a texture pixel, here a cell
        assert off.max() < 40  # slivers at the edge, where half of a cell faces away

    def test_landmarks_that_are_no_face_are_refused(self, astronaut: Face) -> None:
        image, landmarks, box = astronaut
        style = MaskStyle()
        for wrong, message in (
            (np.full((5, 2), np.nan, np.float32), "finite"),
            (landmarks[:4], "expected"),
            (np.ones((5, 2), np.float32), "no face"),
            (landmarks[[1, 0, 2, 4, 3]], "right eye first"),
        ):
            with pytest.raises(ShapeError, match=message):
                render_mask(image, wrong, box, style)
        with pytest.raises(ShapeError, match="box_xyxy"):
            render_mask(image, landmarks, box[:3], style)
        with pytest.raises(ShapeError, match="image"):
            render_mask(image[..., 0], landmarks, box, style)
