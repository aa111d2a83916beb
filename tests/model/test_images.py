from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from maskwise.errors import ImageError
from maskwise.model import images
from maskwise.model.images import decode_image, read_image
from maskwise.values import Image

# Four corners of different colours: any rotation, mirror or channel swap shows.
CORNERS = np.zeros((16, 24, 3), np.uint8)
CORNERS[:8, :12], CORNERS[:8, 12:], CORNERS[8:, :12], CORNERS[8:, 12:] = (250, 10, 20), (10, 240, 30), (5, 15, 230), 200
GREY = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (16, 1))


def encoded(picture: Pillow.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_every_lossless_format_gives_the_same_pixels(form: str) -> None:
    options = {"irreversible": False} if form == "JPEG2000" else {}
    got = decode_image(encoded(Pillow.fromarray(CORNERS), form, **options), "x")
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, CORNERS)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_keep_the_channel_order(form: str) -> None:
    got = decode_image(encoded(Pillow.fromarray(CORNERS), form, quality=95), "x")
    assert np.abs(got.astype(int) - CORNERS)[[2, 2, 13, 13], [3, 20, 3, 20]].max() < 12


# What a viewer must do with each EXIF orientation, in plain numpy; the stored pixels are the upright ones, undone.
STORED: dict[int, Callable[[Image], Image]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied(orientation: int, form: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    stored = Pillow.fromarray(np.ascontiguousarray(STORED[orientation](CORNERS)))
    got = decode_image(encoded(stored, form, exif=exif), "x")
    assert got.shape == CORNERS.shape
    assert np.abs(got.astype(int) - CORNERS)[[2, 2, 13, 13], [3, 20, 3, 20]].max() < (40 if form == "JPEG" else 1)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_a_senseless_orientation_is_ignored(orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode_image(encoded(Pillow.fromarray(CORNERS), "PNG", exif=exif), "x"), CORNERS)


def test_a_damaged_exif_block_does_not_lose_the_picture() -> None:
    data = encoded(Pillow.fromarray(CORNERS), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff")
    assert decode_image(data, "x").shape == CORNERS.shape


def grey(picture: Pillow.Image, form: str = "PNG", **options: object) -> Callable[[], bytes]:
    return lambda: encoded(picture, form, **options)


def palette(form: str) -> bytes:
    return encoded(Pillow.fromarray(CORNERS).quantize(8), form)


def half_clear(mode: str) -> Pillow.Image:
    """Left half clear, right half solid black."""
    alpha = np.zeros((4, 8), np.uint8)
    alpha[:, 4:] = 255
    base = Pillow.new({"RGBA": "RGB", "LA": "L"}[mode], (8, 4))
    base.putalpha(Pillow.fromarray(alpha))
    return base


def clear_palette(form: str) -> bytes:
    picture = Pillow.fromarray(np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 4, axis=0).astype(np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 0, 0])
    return encoded(picture, form, transparency=0)


WHITE_BLACK = np.repeat(np.repeat([[255, 0]], 4, axis=1), 4, axis=0).astype(np.uint8)[..., None].repeat(3, axis=2)
GREY16 = GREY.astype(np.uint16) * 256 + 255
ONE_BIT = (GREY > 100).astype(np.uint8) * 255

KINDS: dict[str, tuple[Callable[[], bytes], Image]] = {
    "grey": (grey(Pillow.fromarray(GREY)), GREY[..., None].repeat(3, axis=2)),
    "grey 16 bit png": (grey(Pillow.fromarray(GREY16)), GREY[..., None].repeat(3, axis=2)),
    "grey 16 bit tiff": (grey(Pillow.fromarray(GREY16), "TIFF"), GREY[..., None].repeat(3, axis=2)),
    "grey 16 bit big-endian tiff": (
        grey(Pillow.fromarray(GREY16.astype(">u2")), "TIFF"),
        GREY[..., None].repeat(3, axis=2),
    ),
    "grey 16 bit pgm": (
        lambda: b"P5 24 16 65535\n" + GREY16.astype(">u2").tobytes(),
        GREY[..., None].repeat(3, axis=2),
    ),
    "one bit": (grey(Pillow.fromarray(ONE_BIT).convert("1")), ONE_BIT[..., None].repeat(3, axis=2)),
    "palette png": (lambda: palette("PNG"), CORNERS),
    "palette gif": (lambda: palette("GIF"), CORNERS),
    "alpha": (grey(half_clear("RGBA")), WHITE_BLACK),
    "grey with alpha": (grey(half_clear("LA")), WHITE_BLACK),
    "clear palette png": (lambda: clear_palette("PNG"), WHITE_BLACK),
    "clear palette gif": (lambda: clear_palette("GIF"), WHITE_BLACK),
    "clear grey": (
        grey(Pillow.fromarray(np.where(WHITE_BLACK[..., 0] > 0, 9, 0).astype(np.uint8)), transparency=9),
        WHITE_BLACK,
    ),
    "animated gif": (
        lambda: encoded(
            Pillow.fromarray(CORNERS), "GIF", save_all=True, append_images=[Pillow.new("RGB", (24, 16))] * 2
        ),
        CORNERS,
    ),
    "animated webp": (
        lambda: encoded(
            Pillow.fromarray(CORNERS),
            "WEBP",
            lossless=True,
            save_all=True,
            append_images=[Pillow.new("RGB", (24, 16))] * 2,
        ),
        CORNERS,
    ),
    "pages of tiff": (
        lambda: encoded(Pillow.fromarray(CORNERS), "TIFF", save_all=True, append_images=[Pillow.new("L", (3, 3))]),
        CORNERS,
    ),
    "half transparent": (
        grey(Pillow.new("RGBA", (2, 2), (255, 0, 0, 128))),
        np.tile(np.array([255, 127, 127], np.uint8), (2, 2, 1)),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pixel_becomes_rgb(kind: str) -> None:
    make, expected = KINDS[kind]
    got = decode_image(make(), "x")
    assert got.dtype == np.uint8
    assert got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_ink_becomes_light(form: str) -> None:
    # Pillow writes CMYK JPEGs as Adobe does: inverted, with Adobe's marker.
    cyan, black, paper = (255, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 0)
    inks = np.array([cyan, black, paper], np.uint8).repeat(8, axis=0)[None].repeat(8, axis=0)
    data = encoded(Pillow.fromarray(inks, "CMYK"), form, **({"quality": 95} if form == "JPEG" else {}))
    assert b"Adobe" in data or form == "TIFF"
    got = decode_image(data, "x")[4, [4, 12, 20]].astype(int)
    assert np.abs(got - [[0, 255, 255], [0, 0, 0], [255, 255, 255]]).max() < 12


def test_a_picture_of_one_pixel() -> None:
    assert decode_image(encoded(Pillow.new("RGB", (1, 1), (1, 2, 3)), "PNG"), "x").tolist() == [[[1, 2, 3]]]


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


JPEG = encoded(Pillow.effect_noise((64, 64), 90).convert("RGB"), "JPEG")
PNG = encoded(Pillow.effect_noise((64, 64), 90), "PNG")

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text": (b"hello, this is no picture at all, only some words", "not a picture"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "not a picture"),
    "one byte": (b"\xff", "damaged|not a picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
    "half a jpeg": (JPEG[: len(JPEG) // 2], "damaged or cut off"),
    "start of a jpeg": (JPEG[:30], "damaged or cut off|not a picture"),
    "half a png": (PNG[: len(PNG) // 2], "damaged or cut off"),
    "half a gif": (palette("GIF")[:-40], "damaged or cut off"),
    "half a webp": (encoded(Pillow.fromarray(CORNERS), "WEBP")[:-20], "damaged or cut off|not a picture"),
    "half a tiff": (encoded(Pillow.fromarray(CORNERS), "TIFF")[:200], "damaged or cut off|not a picture"),
    "huge by header": (png_header(20_000, 20_000), r"too large \(20000 x 20000"),
    "just over the limit": (png_header(16_001, 8_000), "too large"),
    "no pixels": (png_header(0, 10), "damaged|no pixels|not a picture"),
    "float": (encoded(Pillow.new("F", (4, 4), 0.5), "TIFF"), "float"),
    "32 bits": (encoded(Pillow.new("I", (4, 4), 1 << 20), "TIFF"), "more than 16 bits"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_says_why_and_what_to_do(kind: str, tmp_path: Path) -> None:
    data, words = REFUSED[kind]
    path = tmp_path / "face.jpg"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match=words) as caught:
            read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.count(str(path)) == 1
    assert ";" in message, "says what to do"
    assert "\n" not in message


def test_every_cut_of_a_picture_is_read_or_refused_never_worse() -> None:
    for data in (JPEG, PNG, palette("GIF"), encoded(Pillow.fromarray(CORNERS), "TIFF")):
        for length in range(0, len(data), 37):
            try:
                decode_image(data[:length], "x")
            except ImageError:
                continue


def test_flipped_bytes_are_read_or_refused_never_worse() -> None:
    rng = np.random.default_rng(0)
    for data in (JPEG, PNG, palette("GIF"), clear_palette("PNG"), encoded(Pillow.fromarray(CORNERS), "TIFF")):
        for _ in range(60):
            broken = bytearray(data)
            for position in rng.integers(0, len(data), 4):
                broken[position] = rng.integers(256)
            try:
                decode_image(bytes(broken), "x")
            except ImageError:
                continue


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "nowhere.jpg", "missing"),
        (lambda folder: folder, "folder"),
        (lambda folder: folder / ("a" * 400), "cannot be read"),
        (lambda folder: Path(f"{folder}/null\0.jpg"), "cannot be read"),
        (lambda folder: pipe(folder / "pipe.jpg"), "not an ordinary file"),
    ],
)
def test_paths_that_are_no_picture_file(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(make(tmp_path))


def test_a_file_without_permission() -> None:
    code = (
        "import os, sys, pathlib; from maskwise.model.images import read_image\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try: read_image(pathlib.Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with tempfile.TemporaryDirectory() as temporary:  # pytest's own folders are closed to other users
        Path(temporary).chmod(0o755)
        path = Path(temporary) / "locked.png"
        path.write_bytes(PNG)
        path.chmod(0)
        command = [sys.executable, "-c", code, str(path)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert said.startswith(f"ImageError {path}: no permission"), said


def test_a_large_picture_neither_warns_nor_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between Pillow's limit and ours; with Pillow's made small, so that the picture need not be."""
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 300)
    data = {form: encoded(Pillow.fromarray(CORNERS), form) for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")}
    for kept in data.values():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decode_image(kept, "x").shape == CORNERS.shape


def test_the_limit_is_looked_at_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", CORNERS[..., 0].size)
    decode_image(encoded(Pillow.fromarray(CORNERS), "PNG"), "x")
    monkeypatch.setattr(images, "MAX_PIXELS", CORNERS[..., 0].size - 1)
    with pytest.raises(ImageError, match="too large"):
        decode_image(encoded(Pillow.fromarray(CORNERS), "PNG")[:60], "x")  # its pixels are not even there


def scans(jpeg: bytes, count: int) -> bytes:
    """The same picture with so many more scans, which say that nothing changes."""
    head = bytes.fromhex("ffda0008 01 01 00 01 05 00")  # coefficients 1 to 5 of the first component
    nothing = bytes.fromhex("e07fff") * 4  # ends of bands
    return jpeg[:-2] + (head + nothing) * count + jpeg[-2:]


def test_a_jpeg_of_many_scans_is_refused() -> None:
    jpeg = encoded(Pillow.fromarray(CORNERS), "JPEG", progressive=True)
    assert decode_image(jpeg, "x").shape == CORNERS.shape
    assert decode_image(jpeg + scans(jpeg, 1000), "x").shape == CORNERS.shape  # what comes behind is not looked at
    with pytest.raises(ImageError, match="scans"):
        decode_image(scans(jpeg, 1000), "x")


def test_a_tiff_of_tiles_larger_than_itself_is_refused() -> None:
    def tiff(side: int) -> bytes:
        tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 277: 1, 322: side, 323: side, 324: 512, 325: side * side}
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
        return head.ljust(512, b"\0") + b"\x77" * min(side * side, 10_000)

    assert (decode_image(tiff(16), "x") == 0x77).all()
    with pytest.raises(ImageError, match="too large"):
        decode_image(tiff(65_536), "x")


def test_importing_changes_nothing_in_pillow() -> None:
    code = (
        "import warnings, numpy; from PIL import Image, ImageFile; filters = list(warnings.filters)\n"
        "before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)\n"
        "import maskwise.model.images\n"
        "assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES), 'pillow'\n"
        "assert filters == list(warnings.filters), 'filters'"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_real_pictures_agree_with_plain_pillow(shared_data: Path) -> None:
    for path in sorted((shared_data / "azface" / "people").glob("*.jpg"))[:8]:
        plain = np.asarray(ImageOps.exif_transpose(Pillow.open(path)).convert("RGB"))
        np.testing.assert_array_equal(read_image(path), plain)
