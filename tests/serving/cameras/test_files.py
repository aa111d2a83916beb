from __future__ import annotations

import os
from pathlib import Path

import pytest

from maskwise.errors import InputError
from maskwise.serving.cameras.files import check_file


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    (folder / "hall").mkdir(parents=True)
    (folder / "hall" / "monday.mp4").write_bytes(b"film")
    (folder / "file:odd.mp4").write_bytes(b"film")
    (folder / "concat:a|b.mp4").write_bytes(b"film")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "media-of-others").mkdir()
    (tmp_path / "media-of-others" / "x.mp4").write_bytes(b"secret")
    (folder / "out.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "up").symlink_to(tmp_path)
    (folder / "again.mp4").symlink_to(folder / "hall" / "monday.mp4")
    (folder / "nowhere.mp4").symlink_to(folder / "missing.mp4")
    (folder / "round.mp4").symlink_to(folder / "round.mp4")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "null.mp4").symlink_to("/dev/null")
    return folder


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hall/monday.mp4", "hall/monday.mp4"),
        ("./hall/../hall/monday.mp4", "hall/monday.mp4"),
        ("again.mp4", "hall/monday.mp4"),
        ("file:odd.mp4", "file:odd.mp4"),
        ("concat:a|b.mp4", "concat:a|b.mp4"),
    ],
)
def test_files_below_the_folder(media: Path, text: str, shown: str) -> None:
    assert check_file(text, [media]) == (media.resolve() / shown, shown)


def test_files_named_from_the_root_on(media: Path) -> None:
    assert check_file(str(media / "hall" / "monday.mp4"), [media])[1] == "hall/monday.mp4"


def test_the_folder_itself_may_be_a_link(media: Path, tmp_path: Path) -> None:
    (tmp_path / "films").symlink_to(media)
    assert check_file("hall/monday.mp4", [tmp_path / "films"])[1] == "hall/monday.mp4"


def test_a_link_from_one_folder_into_another(media: Path, tmp_path: Path) -> None:
    (media / "there.mp4").symlink_to(tmp_path / "media-of-others" / "x.mp4")
    assert check_file("there.mp4", [media, tmp_path / "media-of-others"])[1] == "x.mp4"


@pytest.mark.parametrize(
    "text",
    [
        "../secret.mp4", "hall/../../secret.mp4", "out.mp4", "up/secret.mp4", "up/media-of-others/x.mp4", "nowhere.mp4",
        "round.mp4", "pipe.mp4", "null.mp4", "hall", ".", "/", "/etc/passwd", "/dev/null", "/dev/video0", "/dev/stdin",
        "/proc/self/environ", "-", "", "hall/monday.mp4\0", "hall/monday\n.mp4", "hall/*.mp4", "hall/monday%d.mp4",
        "~/secret.mp4", "pipe:0", "file:/etc/passwd", "concat:/etc/passwd", "subfile,,start,0,end,9,,:/etc/passwd",
        "data:video/mp4;base64,AAAA", "x" * 5000, "../media-of-others/x.mp4",
    ],
)  # fmt: skip
def test_everything_else_is_refused_and_said_no_more_of(media: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_file(text, [media])
    assert str(tmp_path) not in str(caught.value)
    assert "etc" not in str(caught.value)


def test_there_and_not_there_are_told_alike_outside(media: Path) -> None:
    said = []
    for text in ("../secret.mp4", "../absent/secret.mp4"):
        with pytest.raises(InputError) as caught:
            check_file(text, [media])
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_without_folders_no_file() -> None:
    with pytest.raises(InputError, match="media"):
        check_file("/etc/passwd", [])
