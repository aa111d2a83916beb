"""Fonts for what is written into pictures: Pillow's own, or one that the user names."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from maskwise.errors import ConfigError

FONTS = 64
"""Sizes kept in memory."""

TRIED_PX = 24.0
"""Size at which a font is asked what letters it has."""

MISSING = "\uffff"
"""No character by the Unicode standard: a font draws it as it draws what it does not have."""

SPARE = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf")
"""Looked for among the system's fonts where a name has letters that Pillow's font, which knows ASCII, does not have."""

LETTERS = {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe"}
"""Those that Unicode does not take apart into a plain letter and its accent."""


@lru_cache(maxsize=FONTS)
def font(text_px: float, file: Path | None = None) -> ImageFont.FreeTypeFont:
    """The font at a height in pixels.

    Args:
        text_px: height of the text.
        file: TrueType or OpenType; None is Pillow's own (Aileron).

    Raises:
        ConfigError: the file cannot be read as a font.
    """
    if file is not None:
        return _read(file, text_px)
    scalable = ImageFont.load_default(text_px)
    if not isinstance(scalable, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")  # the wheels have it; its old bitmap font does not scale
    return scalable


def check_font(file: Path | None) -> None:
    """Refuse a font that labels cannot be written in.

    Raises:
        ConfigError: it cannot be read, or has no Latin letters and digits.
    """
    lacking = [letter for letter in "maskedincorrect0123456789" if not _has(letter, file)]
    if lacking:
        raise ConfigError(f"font {file}: it has no {lacking[0]!r}; name a font with Latin letters and digits")


@lru_cache(maxsize=256)
def writable(words: str, file: Path | None = None) -> tuple[str, Path | None]:
    """Words and a font that has all of their letters, as near as can be to what was asked for.

    A letter that no font here has loses its accent, or becomes a question mark, rather than an empty box.
    """
    words = unicodedata.normalize("NFC", words)
    for candidate in (file, *_spare()):
        if all(_has(letter, candidate) for letter in words):
            return words, candidate
    return "".join(_plain(letter, file) for letter in words), file


def _plain(letter: str, file: Path | None) -> str:
    if _has(letter, file):
        return letter
    bare = LETTERS.get(letter, unicodedata.normalize("NFKD", letter))
    return "".join(part for part in bare if not unicodedata.combining(part) and _has(part, file)) or "?"


@lru_cache(maxsize=1)
def _spare() -> tuple[Path, ...]:
    found = []
    for name in SPARE:
        try:
            found.append(Path(str(ImageFont.truetype(name, TRIED_PX).path)))
        except OSError:  # not installed here
            continue
    return tuple(found)


@lru_cache(maxsize=2048)
def _has(letter: str, file: Path | None) -> bool:
    if letter.isspace():
        return True
    drawn, missing = (font(TRIED_PX, file).getmask(text) for text in (letter, MISSING))
    return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


def _read(file: Path, text_px: float) -> ImageFont.FreeTypeFont:
    if not file.is_file():  # Pillow would go on to look for the name among the system's fonts
        raise ConfigError(f"font {file}: there is no such file; name a .ttf or .otf file")
    try:
        return ImageFont.truetype(file, text_px)
    except OSError as error:
        raise ConfigError(f"font {file}: {error}; name a .ttf or .otf file that can be read") from error
