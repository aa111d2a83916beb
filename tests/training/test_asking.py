"""`evaluate` through an engine: what threads of one process answer, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest

from maskwise.data.boxes import detected
from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.engines.engine import Engine
from maskwise.engines.local import Local
from maskwise.errors import ArtifactError
from maskwise.model.artifact import folder_of, read_card
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.training import asking
from maskwise.training.asking import ask
from maskwise.training.evaluation import Evaluation
from maskwise.training.measure import measure_artifact
from maskwise.training.predictions import NO_LABEL, Predictions, predict
from tests.builders import tiny_artifact
from tests.engines.both import engine  # noqa: F401 - a fixture
from tests.engines.losing import Losing
from tests.small_model import small_data, small_model

BUNDLED = folder_of(Path("default"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Sixty faces; one stands in three rows, one has no label, one picture broke after it was read, one before."""
    folder = build_demo_dataset(tmp_path_factory.mktemp("asking") / "faces", people=6)
    (folder / "masked" / "s01" / "broken.png").write_bytes(b"no picture")
    rows = read_dataset(folder).rows
    thrice = rows[[9, 9, 9]].with_columns(
        pl.Series("x_min", [10.0, 30.0, 0.0], pl.Float32),
        pl.Series("y_min", [10.0, 40.0, 0.0], pl.Float32),
        pl.Series("x_max", [150.0, 160.0, 90.0], pl.Float32),
        pl.Series("y_max", [200.0, 190.0, 99.0], pl.Float32),
    )
    rows = pl.concat([rows[:9], thrice, rows[10:]])
    rows = rows.with_columns(label=pl.when(pl.int_range(pl.len()) == 20).then(None).otherwise(pl.col("label")))
    Path(rows["path"][30]).write_bytes(b"no picture any more")
    return Manifest(rows)


@pytest.fixture(autouse=True)
def _small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 7)
    monkeypatch.setattr("maskwise.data.boxes.AT_ONCE", 5)


def in_threads(folder: Path, data: Manifest) -> Predictions:
    return predict(MaskClassifier.load(folder), data, find=YuNet().once)


def same(one: Predictions, other: Predictions) -> bool:
    assert one.facts is not None
    assert other.facts is not None
    return (
        one.rows.equals(other.rows)
        and one.labels == other.labels
        and one.probabilities.tobytes() == other.probabilities.tobytes()
        and one.facts.equals(other.facts)
    )


@pytest.fixture(scope="module")
def measured(data: Manifest) -> Evaluation:
    return measure_artifact(BUNDLED, data)


def test_each_engine_measures_what_threads_measure(data: Manifest, measured: Evaluation, engine: Engine) -> None:  # noqa: F811
    heard: list[tuple[int, int]] = []
    found = measure_artifact(BUNDLED, data, engine=engine, progress=lambda *far: heard.append(far))
    assert same(found.predictions, measured.predictions)
    assert found.content == measured.content
    assert found.predictions.rows["error"].is_not_null().sum() >= 3
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1] > 50


def test_batches_and_threads_do_not_move_the_last_bit_of_a_float32_network(tmp_path: Path) -> None:
    faces = small_data(tmp_path / "faces")
    artifact = small_model(faces, tmp_path / "run")
    assert read_card(artifact).precision == "fp32"
    given = read_dataset(faces)
    assert same(ask(Losing(), artifact, given), in_threads(artifact, given))


def test_a_worker_that_is_killed_changes_nothing(data: Manifest, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(_done: int, _total: int) -> None:
        for child in psutil.Process().children() if not killed else ():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
                killed.append(child.pid)

    artifact = tiny_artifact(tmp_path / "model")
    assert same(ask(Local(2), artifact, data, kill), in_threads(artifact, data))
    assert killed


def test_what_ends_workers_and_what_cannot_be_read_costs_its_rows_only(data: Manifest, tmp_path: Path) -> None:
    artifact = tiny_artifact(tmp_path / "model")
    fatal, gone = data.rows["path"][9], data.rows["path"][30]
    found = ask(Losing(lambda rows: rows[0][0] == fatal), artifact, data)
    expected = in_threads(artifact, data)
    lost = (data.rows["path"] == fatal).to_numpy()
    assert lost.sum() == 3
    for row, error in zip(found.rows.filter(lost).to_dicts(), found.rows.filter(lost)["error"], strict=True):
        assert error.startswith(f"{row['path']}: looking at it was not survived (the process was ended by SIGKILL)")
    assert np.isnan(found.probabilities[lost]).all()
    assert found.probabilities[~lost].tobytes() == expected.probabilities[~lost].tobytes()
    assert found.rows.filter(~lost).equals(expected.rows.filter(~lost))
    assert found.rows["error"][20] == NO_LABEL
    assert found.rows["error"][30].startswith(f"{gone}: ")


def test_of_nothing_there_is_nothing(data: Manifest, tmp_path: Path) -> None:
    found = ask(Losing(), tiny_artifact(tmp_path / "model"), Manifest(data.rows.clear()))
    assert found.probabilities.shape == (0, 2)
    assert found.facts is not None
    assert found.facts.height == 0


def test_a_worker_that_finds_another_model_says_so(data: Manifest, tmp_path: Path) -> None:
    folder = tiny_artifact(tmp_path / "model")

    class Later(Losing):
        def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
            tiny_artifact(folder, looks_at=(slice(0, 4), slice(0, 4)))
            (folder / "model.json").write_text((folder / "model.json").read_text().replace('"tiny"', '"other"'))
            yield from super().map(make, tasks)

    with pytest.raises(ArtifactError, match="a worker finds another model there"):
        ask(Later(), folder, data)


def test_a_picture_that_ends_workers_has_that_as_its_error_where_faces_are_looked_for(data: Manifest) -> None:
    rows = Manifest(data.rows.head(8))
    fatal = rows.rows["path"][3]
    found = detected(rows, YuNet(threads=1), engine=Losing(lambda path: path == fatal)).rows
    expected = detected(rows, YuNet(threads=1)).rows
    assert found["error"][3] == (
        f"{fatal}: looking at it was not survived (the process was ended by SIGKILL); "
        "look at the picture, and at the memory"
    )
    others = pl.int_range(8) != 3
    assert found.filter(others).equals(expected.filter(others))
