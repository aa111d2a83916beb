from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.inference import lettering
from maskwise.inference.lettering import check_font, font, writable
from maskwise.inference.overlay import draw
from maskwise.values import CLASSES, Faces, FrameResult, Verdict


@pytest.fixture
def fonts() -> Path:
    """The fonts that come with matplotlib."""
    matplotlib = pytest.importorskip("matplotlib", reason="brings fonts; in the train extra")
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture
def _no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lettering, "SPARE", ())
    lettering._spare.cache_clear()
    writable.cache_clear()
    yield
    lettering._spare.cache_clear()
    writable.cache_clear()


def test_a_font_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"font .*none\.ttf: there is no such file; name a \.ttf or \.otf"):
        check_font(tmp_path / "none.ttf")


def test_a_file_that_is_no_font_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.ttf").write_text("not a font")
    with pytest.raises(ConfigError, match=r"font .*text\.ttf: .*name a \.ttf or \.otf"):
        check_font(tmp_path / "text.ttf")


def test_a_font_without_latin_letters_says_so(fonts: Path) -> None:
    with pytest.raises(ConfigError, match="it has no 'm'; name a font with Latin letters"):
        check_font(fonts / "STIXSizFourSymReg.ttf")


def test_every_printed_ascii_character_has_a_shape_of_its_own_by_default() -> None:
    check_font(None)
    drawn = {bytes(font(24.0).getmask(chr(code))) for code in range(33, 127)}
    assert len(drawn) > 90  # a few may look alike, such as quotes


def test_words_are_drawn_in_the_users_font(fonts: Path) -> None:
    image = np.full((200, 300, 3), 128, np.uint8)
    faces = Faces(np.array([[80, 80, 160, 180]], np.float32), np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32))
    chances = np.full((1, 3), 1 / 3, np.float32)
    result = FrameResult("x", 0, None, 300, 200, faces, CLASSES, chances, (Verdict("masked", 0.9),))
    serif = draw(image, result, fonts / "DejaVuSerif.ttf")
    where = (serif != draw(image, result)).any(axis=2)
    assert where.any()
    assert not where[80:].any(), "only the label, above the box, is another"


@pytest.mark.usefixtures("_no_system_fonts")
@pytest.mark.parametrize(
    ("words", "written"),
    [("Küche", "Kuche"), ("Straße 5", "Strasse 5"), ("Łódź", "Lodz"), ("入口", "??"), ("entrance", "entrance"),
     ("Ku\u0308che", "Kuche")],
)  # fmt: skip
def test_without_a_font_that_has_them_letters_lose_their_accents(words: str, written: str) -> None:
    assert writable(words) == (written, None)


def test_a_font_that_has_the_letters_keeps_them(fonts: Path) -> None:
    assert writable("Küche, Łódź", fonts / "DejaVuSans.ttf") == ("Küche, Łódź", fonts / "DejaVuSans.ttf")
