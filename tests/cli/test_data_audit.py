from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from maskwise.cli.data import app
from maskwise.data.embedded import build_demo_dataset
from maskwise.data.manifest import load
from maskwise.errors import ArtifactError, ConfigError, DataError
from tests.builders import tiny_artifact

RUN = CliRunner()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people; one picture lies there twice, as two classes."""
    folder = build_demo_dataset(tmp_path_factory.mktemp("cli") / "faces", people=4)
    bare = sorted((folder / "unmasked").rglob("*.png"))[0]
    (folder / "masked" / "s01" / "copy.png").write_bytes(bare.read_bytes())
    return folder


def run(*arguments: str | Path, code: int = 0) -> Any:
    result = RUN.invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_an_audit_tells_its_verdict_and_writes_five_files(data: Path, tmp_path: Path) -> None:
    result = run("audit", data, "-o", tmp_path / "audit")
    assert "carry different labels" in result.stdout
    assert "audit.html" in result.stderr
    names = {"audit.html", "audit.json", "faces.csv", "manifest.parquet", "pairs.parquet"}
    assert {path.name for path in (tmp_path / "audit").iterdir()} == names  # the thumbnails are gone


def test_json_is_audit_json_on_stdout(data: Path, tmp_path: Path) -> None:
    said = json.loads(run("audit", data, "-o", tmp_path, "--json", "--no-faces", "--no-pictures").stdout)
    assert said == json.loads((tmp_path / "audit.json").read_text())
    assert said["settings"]["detector"] is None
    assert "data:image" not in (tmp_path / "audit.html").read_text()


@pytest.mark.parametrize(("kinds", "code"), [("contradiction", 1), ("against,unusable", 0), ("leak,contradiction", 1)])
def test_fail_on_ends_with_one_where_it_is_found(data: Path, tmp_path: Path, kinds: str, code: int) -> None:
    run("audit", data, "-o", tmp_path, "--no-faces", "--no-pictures", "--fail-on", kinds, code=code)
    assert (tmp_path / "audit.html").is_file()  # the page is there all the same


@pytest.mark.slow
def test_a_trained_model_can_doubt_the_labels(data: Path, tmp_path: Path) -> None:
    artifact = tiny_artifact(tmp_path / "model")
    said = json.loads(run("audit", data, "-o", tmp_path / "a", "--model", artifact, "--no-faces", "--json").stdout)
    assert said["face"]["by"] == str(artifact)
    assert pl.read_csv(tmp_path / "a" / "faces.csv")["called"].is_in(["masked", "unmasked"]).all()


def test_a_model_that_lacks_a_class_is_refused_before_the_work(data: Path, tmp_path: Path) -> None:
    artifact = tiny_artifact(tmp_path / "model", labels=("masked", "incorrect"))
    with pytest.raises(DataError, match="does not know unmasked; leave the class or the model out"):
        run("audit", data, "-o", tmp_path / "a", "--model", artifact)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_against_itself_every_face_is_shared(data: Path, tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(data)
    flags = ("--no-faces", "--no-pictures", "--json")
    said = json.loads(run("audit", data, "-o", tmp_path / "a", "--against", tmp_path / "again", *flags).stdout)
    assert said["against"]["name"] == "again"
    assert said["against"]["same_picture"]["value"] == 1


def test_its_groups_and_pairs_are_what_a_split_needs(data: Path, tmp_path: Path) -> None:
    run("audit", data, "-o", tmp_path / "a", "--no-faces", "--no-pictures")
    a = tmp_path / "a"
    result = run(
        "split", a / "manifest.parquet", "--pairs", a / "pairs.parquet", "-o", tmp_path / "s.parquet", "--json"
    )
    assert not any(json.loads(result.stdout)["in_several_splits"].values())
    assert set(load(tmp_path / "s.parquet").usable["split"]) == {"train", "validation"}


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        (["--fail-on", "leaks"], ConfigError, "--fail-on 'leaks' is not known; use any of leak,contradiction"),
        (["--model", "missing"], ArtifactError, "missing"),
        (["--against", "missing"], DataError, "missing"),
    ],
)
def test_a_mistake_is_told_before_the_work(
    data: Path, tmp_path: Path, arguments: list[str], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        run("audit", data, "-o", tmp_path / "a", *arguments)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_an_audit_killed_in_the_middle_is_gone_on_from(data: Path, tmp_path: Path) -> None:
    """A real process, a real kill -9; what it had looked at is not looked at again."""
    code = (
        "import sys; from maskwise.data.audit import shelf; shelf.CHUNK = 4; "
        "from maskwise.cli import app; app(sys.argv[1:], standalone_mode=False)"
    )
    command = [sys.executable, "-c", code, "data", "audit", str(data), "-o", str(tmp_path / "a"), "--no-pictures"]
    process = subprocess.Popen(command, env=os.environ | {"MASKWISE_CACHE": str(tmp_path / "cache")})
    looks = tmp_path / "a" / "looks" / "pictures"
    deadline = time.monotonic() + 60
    while not (looks.is_file() and looks.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert looks.stat().st_size > 0
    assert not (tmp_path / "a" / "audit.json").exists()
    run("audit", data, "-o", tmp_path / "a", "--no-pictures")
    run("audit", data, "-o", tmp_path / "b", "--no-pictures")
    assert (tmp_path / "a" / "audit.json").read_text() == (tmp_path / "b" / "audit.json").read_text()
