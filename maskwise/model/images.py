"""Picture files, of whatever kind, as one: upright RGB uint8.

| in the file                | becomes                                                                        |
|----------------------------|--------------------------------------------------------------------------------|
| EXIF orientation           | applied                                                                        |
| grey, 1-bit, palette       | three equal channels; the palette's colours                                    |
| grey of 16 bits            | its high byte, so that equal files of 8 and 16 bits look alike                 |
| CMYK, also Adobe's inverted| RGB by plain arithmetic; colour profiles are not applied                       |
| transparency               | laid on white                                                                  |
| several frames or pages    | the first                                                                      |
| float                      | refused: nobody can know which value is white                                  |
"""

from __future__ import annotations

import io
import re
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from maskwise.errors import ImageError
from maskwise.values import Image

MAX_PIXELS = 128_000_000
"""Largest picture that is decoded: 384 MB as RGB. Checked on the header, before any pixel is unpacked."""

Size = tuple[int, int]
"""Width and height in pixels."""

MAX_BYTES = 1 << 30
"""Largest file that is read."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "DIB")
"""Pillow's names of what is tried: neither EPS and its like, which start other programs, nor formats without a mark,
nor ICO, which holds a picture of another size than it says."""

SUFFIXES = frozenset(
    f".{name}"
    for names in ("jpg jpeg jpe jfif mpo png webp gif bmp dib", "tif tiff avif jp2 j2k ppm pgm pbm pnm")
    for name in names.split()
)
"""How the names of picture files usually end, lower case."""

MOST_SCANS = 100
"""Passes over a progressive JPEG, each of which may cost as much time as a picture: cameras and programs make about
ten, and a file of a few megabytes can hold a hundred thousand that say nothing."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In the data of a JPEG scan nothing else begins with 0xff."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_TILE_WIDTH, _TILE_LENGTH = 322, 323
"""Tags of TIFF."""

_SILENCE = threading.Lock()
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def read_image(path: Path) -> Image:
    """Read a picture file: (height, width, 3) uint8 RGB, upright; see the table above.

    Raises:
        ImageError: missing, no permission, not a file, empty, not a picture, damaged or too large; names the file and
            says what to do.
    """
    return decode_image(read_file(path), str(path))


def read_file(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        ImageError: missing, no permission, not an ordinary file, or too large.
    """
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise ImageError(f"{path}: is a folder; name a picture file")
        if not stat.S_ISREG(about.st_mode):  # reading a pipe or device might never end
            raise ImageError(f"{path}: is not an ordinary file; name a picture file")
        if about.st_size > MAX_BYTES:
            raise ImageError(
                f"{path}: is too large ({about.st_size:,} bytes, at most {MAX_BYTES:,} are read); save it smaller"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: the file is missing; check the path") from error
    except PermissionError as error:
        raise ImageError(f"{path}: no permission to read it; change the file's rights") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: cannot be read ({reason}); check the path and the disk") from error


def decode_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode the bytes of a picture: (height, width, 3) uint8 RGB, upright; see the table above.

    Args:
        data: what the file holds.
        name: how errors call the picture.
        max_pixels: refuse a picture that has more by its header; at most MAX_PIXELS.

    Raises:
        ImageError: empty, not a picture, damaged or too large; names the picture and says what to do.
    """
    return _decoded(data, name, max_pixels, None)[0]


def decode_reduced(data: bytes, name: str, long_side: int, max_pixels: int = MAX_PIXELS) -> tuple[Image, Size]:
    """Decode no more of a JPEG than is needed for a long side; whatever else it is, as `decode_image` does.

    A JPEG can be unpacked at 1/2, 1/4 or 1/8 of its size for a fraction of the time (libjpeg-turbo, scaled decoding).

    Args:
        data: what the file holds.
        name: how errors call the picture.
        long_side: pixels that the longer side keeps at least, if it has them.
        max_pixels: refuse a picture that has more by its header; at most MAX_PIXELS.

    Returns:
        The picture, and (width, height) of what the file holds, upright, which may be larger.

    Raises:
        ImageError: as `decode_image`.
    """
    return _decoded(data, name, max_pixels, long_side)


def _decoded(data: bytes, name: str, max_pixels: int, long_side: int | None) -> tuple[Image, Size]:
    if not data:
        raise ImageError(f"{name}: the file is empty; copy or download it again")
    try:
        picture = _open(io.BytesIO(data))
        for size in _sizes(picture):
            _check_size(size, max_pixels)
        if "progressive" in picture.info:
            _check_scans(data)
        size = picture.size
        if long_side and isinstance(picture, JpegImageFile) and max(size) > long_side:
            width, height = (max(1, side * long_side // max(size)) for side in size)
            picture.draft(None, (width, height))
        _load(picture)
        upright = _turn_upright(picture)
        turned = upright.size != picture.size
        return np.array(_to_rgb(upright), np.uint8), (size[::-1] if turned else size)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except Pillow.DecompressionBombError as error:
        raise ImageError(f"{name}: is too large (at most {max_pixels:,} pixels in all); save it smaller") from error
    except MemoryError as error:
        raise ImageError(f"{name}: too little memory to decode it; save it smaller") from error
    # Pillow's decoders raise whatever a damaged file makes of them: OSError, SyntaxError, KeyError, zlib.error ...
    except Exception as error:
        raise ImageError(f"{name}: the picture is damaged or cut off ({error}); copy or download it again") from error


def _open(stream: IO[bytes]) -> ImageFile.ImageFile:
    """Read the header.

    `PIL.Image.open` would do, but it warns of every picture above 89 megapixels, and a warning can only be silenced
    for all threads of the process at once. The loop over Pillow's register of formats is the same.
    """
    Pillow.init()
    prefix = stream.read(16)
    for name in FORMATS:
        if name not in Pillow.OPEN:  # Pillow was built without it
            continue
        make, accepts = Pillow.OPEN[name]
        if name == "JPEG":  # Pillow's factory would look for further pictures in the file, and warn of their size
            make = JpegImageFile
        if accepts is not None and accepts(prefix) is not True:
            continue
        stream.seek(0)
        try:
            return make(stream, "")
        except (SyntaxError, IndexError, TypeError, struct.error):  # how a plugin says "not mine"
            continue
    raise ImageError("is not a picture that can be read; give a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file")


def _sizes(picture: ImageFile.ImageFile) -> Iterator[tuple[int, int]]:
    """Of the picture, and of the tiles that are unpacked for it, which may be larger."""
    yield picture.size
    if isinstance(picture, TiffImageFile):
        tags = picture.tag_v2
        if _TILE_WIDTH in tags and _TILE_LENGTH in tags:
            yield int(tags[_TILE_WIDTH]), int(tags[_TILE_LENGTH])


def _check_scans(data: bytes) -> None:
    """Count the scans of a JPEG, marker by marker."""
    at, scans = 2, 0
    while (marker := _MARKER.search(data, at)) and data[marker.end() - 1] != _END_OF_IMAGE:
        scans += data[marker.end() - 1] == _START_OF_SCAN
        if scans > MOST_SCANS:
            raise ImageError(f"has more than {MOST_SCANS} scans; save it anew, as an ordinary JPEG")
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"has no pixels ({width} x {height}); copy or download it again")
    if width * height > (most := min(max_pixels, MAX_PIXELS)):
        raise ImageError(f"is too large ({width} x {height} pixels, at most {most:,} in all); save it smaller")


def _load(picture: ImageFile.ImageFile) -> None:
    """Unpack the pixels; a few plugins warn once more of large pictures as they do."""
    width, height = picture.size
    if width * height <= (Pillow.MAX_IMAGE_PIXELS or MAX_PIXELS):
        picture.load()
        return
    with _SILENCE, warnings.catch_warnings():  # silences every thread for that long: for the rare giant only
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        picture.load()


def _turn_upright(picture: Pillow.Image) -> Pillow.Image:
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - a damaged EXIF block is no reason to lose the picture
        orientation = None
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def _to_rgb(picture: Pillow.Image) -> Pillow.Image:
    mode = picture.mode
    if mode == "F":
        raise ImageError("has float pixels, whose white is not known; save it with 8 or 16 bits")
    if mode == "I" or mode.startswith("I;16"):
        return _high_byte(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    over = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", over.size, "white"), over).convert("RGB")


def _high_byte(picture: Pillow.Image) -> Pillow.Image:
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ImageError("has pixels of more than 16 bits, whose white is not known; save it with 8 or 16 bits")
    return Pillow.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
