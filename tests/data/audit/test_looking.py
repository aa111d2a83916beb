"""An audit's looking through an engine: the records that threads of one process keep, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest

from maskwise.data.audit import looking
from maskwise.data.audit.shelf import contents, fill
from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.engines.engine import Engine
from maskwise.engines.local import Local
from maskwise.model.faces import YuNet
from tests.engines.both import engine  # noqa: F401 - a fixture
from tests.engines.losing import Losing

FILES = ("pictures", "points", "faces")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Forty faces, a copy of one, and a picture that broke after it was read."""
    folder = build_demo_dataset(tmp_path_factory.mktemp("looking") / "faces", people=4)
    first, *others = sorted((folder / "masked").rglob("*.png"))
    (folder / "masked" / "copy.png").write_bytes(first.read_bytes())
    manifest = read_dataset(folder)
    others[7].write_bytes(b"no picture any more")
    return manifest


@pytest.fixture(scope="module")
def kept(data: Manifest, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("threads")
    fill(data, folder, YuNet())
    return files(folder)


@pytest.fixture(autouse=True)
def _small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 6)


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def test_each_engine_keeps_what_threads_keep(
    data: Manifest,
    kept: list[bytes],
    tmp_path: Path,
    engine: Engine,  # noqa: F811
) -> None:
    heard: list[tuple[int, int]] = []
    shelf = fill(data, tmp_path, YuNet(threads=1), lambda *far: heard.append(far), engine=engine)
    assert files(tmp_path) == kept
    assert int(np.sum(~shelf.pictures["readable"])) == 1
    assert heard == sorted(heard)
    assert heard[-1] == (40, 40)


def test_a_worker_that_is_killed_changes_nothing(data: Manifest, kept: list[bytes], tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(_done: int, _total: int) -> None:
        for child in psutil.Process().children() if not killed else ():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
                killed.append(child.pid)

    fill(data, tmp_path, YuNet(threads=1), kill, engine=Local(2))
    assert files(tmp_path) == kept
    assert killed


def test_an_interrupted_run_is_gone_on_from_whoever_looks(data: Manifest, kept: list[bytes], tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done >= 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(data, tmp_path, YuNet(threads=1), stop, engine=Losing())
    rest = Losing()
    fill(data, tmp_path, YuNet(threads=1), engine=rest)
    assert sum(rest.sizes) == 40 - 12
    assert files(tmp_path) == kept
    last = Losing()
    fill(data, tmp_path, YuNet(), engine=last)
    assert last.sizes == []


def test_what_ends_workers_is_a_record_without_content(
    data: Manifest, kept: list[bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fatal = contents(data)["path"][14]
    shelf = fill(data, tmp_path, YuNet(threads=1), engine=Losing(lambda picture: picture[0] == fatal))
    assert int(np.sum(~shelf.pictures["readable"])) == 2
    assert f"{fatal}: looking at it was not survived" in caplog.text
    size = shelf.pictures.dtype.itemsize
    pictures, expected = files(tmp_path)[0], kept[0]
    assert pictures[: 14 * size] == expected[: 14 * size]
    assert pictures[15 * size :] == expected[15 * size :]
