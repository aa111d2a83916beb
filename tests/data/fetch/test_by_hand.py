"""Sets that people download themselves and name with --from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskwise.data.catalog import Entry
from maskwise.data.fetch import Limits
from maskwise.errors import ConfigError, DataError
from tests.data.fetch.builders import ARCHIVE, bring, entry, left, members


def hand(**more: Any) -> Entry:
    usual: dict[str, Any] = {"get": {"how": "by hand", "steps": ["Sign in.", "Press Download."]}}
    return entry(**usual | {"licence": {"name": "NC", "accept": True}} | more)


def test_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        bring(hand(), tmp_path / "faces")
    assert str(caught.value) == (
        "faces has to be downloaded by hand:\n  1. Sign in.\n  2. Press Download.\nIts licence: NC.\n"
        "Then run: maskwise data fetch faces --accept-licence --from FILE"
    )


@pytest.mark.parametrize("accepted", [True, False])
def test_a_file_is_verified_and_unpacked(accepted: bool, tmp_path: Path) -> None:
    (tmp_path / "archive (1).zip").write_bytes(ARCHIVE)
    if not accepted:
        with pytest.raises(ConfigError, match="--accept-licence"):
            bring(hand(), tmp_path / "faces", given=[tmp_path / "archive (1).zip"])
        return
    fetched, said = bring(hand(), tmp_path / "faces", accepted=True, given=[tmp_path / "archive (1).zip"])
    assert fetched.record.counts["masked"] == 3
    assert "archive (1).zip: no checksum of it is published" in said[0]
    assert (tmp_path / "archive (1).zip").read_bytes() == ARCHIVE


@pytest.mark.parametrize("top", ["", "faces", "top/faces"])
def test_a_folder_is_verified_and_copied(top: str, tmp_path: Path) -> None:
    for name, data in members(top=""):
        path = tmp_path / "mine" / name.replace("faces", top, 1).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    fetched, _ = bring(hand(), tmp_path / "faces", accepted=True, given=[tmp_path / "mine"])
    assert fetched.record.counts == {"pictures": 5, "masked": 3, "unmasked": 2}
    assert fetched.record.archives == ()
    assert (tmp_path / "mine/README.md").exists()


def test_a_checksum_of_the_catalog_counts(tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(ARCHIVE)
    files = [{"url": "https://example.org/archive.zip", "sha256": "0" * 64}]
    what = hand(get={"how": "by hand", "steps": ["Press Download."], "files": files})
    with pytest.raises(DataError, match=r"archive.zip has the SHA-256"):
        bring(what, tmp_path / "faces", accepted=True, given=[tmp_path / "mine.zip"])
    assert left(tmp_path) == ["mine.zip"]


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        (["no.zip"], {}, "there is no .*no.zip"),
        (["links"], {}, "is a link or no plain file"),
        (["linked"], {}, "is a link or no plain file"),
        (["links"], {"sha256": "0" * 64}, "is a folder; leave it out"),
        (["a.zip", "b.zip"], {"sha256": "0" * 64}, "--sha256 is for one file, here are 2"),
        (["a.zip"], {"sha256": "123"}, "is no SHA-256"),
        (["a.zip", "b.zip"], {}, "is in it twice"),
        (["a.zip"], {"limits": Limits(total_bytes=10)}, "more than 10 bytes would come out"),
    ],
)
def test_what_cannot_be_taken(given: list[str], more: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links/a.png").symlink_to("/etc/passwd")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/inner").symlink_to(tmp_path / "links")
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(ARCHIVE)
    with pytest.raises((DataError, ConfigError), match=message):
        bring(hand(), tmp_path / "out", accepted=True, given=[tmp_path / name for name in given], **more)
    assert left(tmp_path / "out") == []
