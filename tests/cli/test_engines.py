"""The options of the engine: the same in every verb that has them, and the same results with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskwise.cli.engines import engine_if_asked
from maskwise.data.embedded import build_demo_dataset
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from tests.builders import tiny_artifact
from tests.cli.command_line import run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines")
    build_demo_dataset(folder / "faces", people=3)
    tiny_artifact(folder / "model")
    return folder


def verbs(place: Path, out: Path) -> dict[str, list[str]]:
    faces = str(place / "faces")
    return {
        "evaluate": ["evaluate", str(place / "model"), "--data", faces, "--out", str(out)],
        "audit": ["data", "audit", faces, "-o", str(out), "--no-pictures"],
        "batch": ["batch", faces, str(out), "--model", str(place / "model"), "--faces", "whole"],
    }


@pytest.mark.parametrize("verb", ["evaluate", "audit", "batch"])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--address", "auto"], "--address auto: is of a Ray cluster; say --engine ray, too"),
        (["--engine", "local", "--address", "auto"], "--address auto: is of a Ray cluster; say --engine ray, too"),
        (["--workers", "-1"], "Invalid value for '--workers'"),
        (["--engine", "spark"], "Invalid value for '--engine'"),
        (["--engine", "ray", "--address", "127.0.0.1:9"], "--address 127.0.0.1:9: no Ray cluster answers there"),
    ],
)
def test_a_mistake_is_told_alike(
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    options: list[str],
    says: str,
) -> None:
    code, _, said = run(monkeypatch, capsys, *verbs(place, tmp_path / "out")[verb], *options)
    assert code == 2
    assert says in said


def test_a_film_has_no_engine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    film = ["--video", "a.mp4", "--truth", "a.csv"]
    code, _, said = run(monkeypatch, capsys, "evaluate", "default", *film, "--engine", "local")
    assert code == 2
    assert "--engine, --address and --workers belong to pictures" in said


@pytest.mark.parametrize("verb", ["evaluate", "audit"])
def test_what_is_written_is_the_same(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    plain, workers = tmp_path / "plain", tmp_path / "workers"
    for out, options in ((plain, []), (workers, ["--engine", "local", "--workers", "2"])):
        code, _, said = run(monkeypatch, capsys, *verbs(place, out)[verb], *options)
        assert code == 0, said
    names = {path.name for path in plain.iterdir()}
    assert {path.name for path in workers.iterdir()} == names
    for name in names:
        if name.endswith(".json"):
            assert json.loads((workers / name).read_text()) == json.loads((plain / name).read_text())
        if name.endswith(".csv"):
            assert (workers / name).read_text() == (plain / name).read_text()


def test_without_any_of_them_there_is_no_engine_and_workers_alone_are_local() -> None:
    assert engine_if_asked(None, None, 0) is None
    local = engine_if_asked(None, None, 3)
    assert isinstance(local, Local)
    assert local.processes == 3
    assert isinstance(engine_if_asked("ray", None, 0), OnRay)
