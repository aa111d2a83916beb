from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data.embedded import astronaut
from maskwise.serving.cameras.look import Look
from maskwise.serving.cameras.pictures import WIDTHS, Jpeg, Pictures, at_most, encoded
from maskwise.stream.watching import Shown
from maskwise.values import Faces, FrameResult, Image, Verdict

FACE = np.array([176, 66, 274, 190], np.float32)


def look(image: Image, verdict: str = "unmasked", number: int = 1, stream: int = 1) -> Look:
    result = FrameResult("x", 0, 0.0, 64, 48, Faces.none(), ("masked", "unmasked"), np.zeros((0, 2), np.float32))
    return Look(stream, 0.0, image, (Shown(1, FACE, Verdict(verdict, 0.9)),), result, number=number)


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    made = Pictures()
    yield made
    made.close()


def pixels(jpeg: Jpeg) -> Image:
    image = np.asarray(Pillow.open(io.BytesIO(jpeg.content)))
    assert image.shape == (jpeg.height, jpeg.width, 3)
    return image


@pytest.mark.parametrize(("asked", "given"), [(1, 160), (160, 160), (639, 480), (640, 640), (9999, 3840)])
def test_widths_are_few(asked: int, given: int) -> None:
    assert at_most(asked) == given


@pytest.mark.parametrize(("width", "size"), [(160, (160, 160)), (480, (480, 480)), (640, (512, 512))])
def test_no_wider_than_asked_and_never_enlarged(width: int, size: tuple[int, int]) -> None:
    jpeg = encoded(look(astronaut()), width, "none")
    assert pixels(jpeg).shape[1::-1] == size


@pytest.mark.parametrize("width", [160, 480, 1920])
@pytest.mark.parametrize(
    ("blur", "verdict", "hidden"),
    [("all", "masked", True), ("all", "unmasked", True), ("unmasked", "masked", False),
     ("unmasked", "uncertain", True), ("none", "unmasked", False)],
)  # fmt: skip
def test_faces_are_hidden_whatever_the_width(width: int, blur: str, verdict: str, hidden: bool) -> None:
    original = pixels(encoded(look(np.ascontiguousarray(astronaut())), width, "none"))
    image = pixels(encoded(look(astronaut(), verdict), width, blur))  # type: ignore[arg-type]
    share = image.shape[1] / 512
    x0, y0, x1, y1 = (FACE * share).astype(int)
    inside = slice(y0, y1), slice(x0, x1)
    detail = float(np.abs(np.diff(image[inside].astype(int), axis=1)).mean())
    before = float(np.abs(np.diff(original[inside].astype(int), axis=1)).mean())
    assert (detail < before / 4) is hidden
    outside = np.abs(image[-20:].astype(int) - original[-20:]).mean()
    assert outside < 2


def test_what_several_ask_for_is_made_once(pictures: Pictures) -> None:
    seen = look(astronaut())
    first = pictures.of(seen, 640, "all")
    assert all(pictures.of(seen, width, "all") is first for width in (640, 700, 900))
    assert pictures.of(seen, 640, "none") is not first
    assert pictures.of(seen, 320, "all") is not first


def test_only_the_newest_is_kept(pictures: Pictures) -> None:
    image = astronaut()
    for number in range(1, 30):
        pictures.of(look(image, number=number), 160, "all").result(10)
    old, new = look(image, number=1), look(image, number=29)
    kept = pictures.of(new, 160, "all")
    assert pictures.of(old, 160, "all") is not pictures.of(old, 160, "all")
    assert pictures.of(new, 160, "all") is kept
    assert sum(len(made) for _, made in pictures._made.values()) == 1
    pictures.forget(1)
    assert not pictures._made


def test_widths_fit_the_api() -> None:
    assert list(WIDTHS) == sorted(WIDTHS)
