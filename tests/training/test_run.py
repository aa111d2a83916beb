"""The straight line from a folder of pictures to an artifact, with its interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import polars as pl
import psutil
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file

import maskwise
from maskwise.data import manifest as manifests
from maskwise.data.formats import read_dataset
from maskwise.errors import ConfigError, DataError, ExportError, StorageError
from maskwise.model import networks
from maskwise.model.artifact import ModelCard, read_card
from maskwise.model.classifier import MaskClassifier, softmax
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.quality import FaceQuality
from maskwise.training import export
from maskwise.training import recipe as recipes
from maskwise.training.calibration import fit_temperature
from maskwise.training.history import read_history
from maskwise.training.judged import judge
from maskwise.training.listener import Listener
from maskwise.training.operating_points import figures_at
from maskwise.training.predictions import predict
from maskwise.training.recipe import Recipe
from maskwise.training.run import best_epoch, resume, stopped, train
from maskwise.training.trainer import EpochRecord
from tests.batch.bucket import bucket

__all__ = ["bucket"]

SIZE, PER_CLASS = 16, 24


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that noise does not quite hide: bright above and dark below, and the other way round."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for label, sign in (("masked", 1), ("unmasked", -1)):
        for person in range(PER_CLASS // 4):
            for i in range(4):
                pixels = 128 + sign * np.linspace(40, -40, 20)[:, None, None] + rng.normal(0, 40, (20, 20, 3))
                path = folder / label / f"{label}{person}" / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return folder


def small(**overrides: object) -> Recipe:
    size = {"crop.size_px": SIZE, "batch_size": 8, "epochs": 3, "optimizer.lr": 0.02, "split.validation": 0.25}
    return recipes.load("study", size | overrides)


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    train(lambda: read_dataset(pictures), small(), run)
    return run


def test_a_run_leaves_what_it_promises(trained: Path) -> None:
    names = {str(p.relative_to(trained)) for p in trained.rglob("*") if p.is_file()}
    assert names >= {
        "recipe.yaml",
        "manifest.parquet",
        "history.csv",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
        *(f"artifact/{name}" for name in ("model.json", "model.onnx", "model.safetensors", "report.html")),
        *(f"artifact/{name}" for name in ("report.json", "predictions.csv", "history.csv")),
    }
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not any("crops" in name for name in names), "cut faces must not outlive the run"


def test_the_artifact_holds_the_last_epochs_weights_not_the_first(trained: Path) -> None:
    """The study saved its weights before training."""
    weights = load_file(trained / "artifact" / "model.safetensors")
    torch.manual_seed(0)
    initial = networks.build("sequential", 2, SIZE).state_dict()
    assert any(not torch.equal(weights[name], initial[name]) for name in initial)
    last = load_file(trained / "checkpoints" / "last.safetensors")
    assert all(torch.equal(weights[name], last[f"network.{name}"]) for name in initial)
    report = json.loads((trained / "artifact" / "report.json").read_text())
    assert report["accuracy"]["value"] == pytest.approx(
        read_history(trained / "history.csv")[-1]["validation_accuracy"], abs=1e-6
    )


def test_model_json_carries_the_measured_figures(trained: Path) -> None:
    card = read_card(trained / "artifact")
    report = json.loads((trained / "artifact" / "report.json").read_text())
    assert card.figures["validation"]["accuracy"] == report["accuracy"]
    assert card.figures["parity"]["max_difference"] <= card.figures["parity"]["bound"]
    assert card.data["counts"]["validation"] == {
        label: sum(row) for label, row in zip(report["labels"], report["confusion"], strict=True)
    }
    assert card.data["split_check"] == {"by": "group", "groups": 0, "duplicates": 0}


def test_the_confusion_is_what_predictions_csv_recounts(trained: Path) -> None:
    report = json.loads((trained / "artifact" / "report.json").read_text())
    rows = pl.read_csv(trained / "artifact" / "predictions.csv")
    recount = [
        [rows.filter((pl.col("label") == t) & (pl.col("predicted") == p)).height for p in report["labels"]]
        for t in report["labels"]
    ]
    validation = manifests.load(trained / "manifest.parquet").part("validation").rows.height
    assert report["confusion"] == recount
    assert sum(map(sum, recount)) == report["n"] == validation


def test_what_is_not_a_face_is_trained_on_and_is_no_class(pictures: Path, tmp_path: Path) -> None:
    """Grey noise, given to training as no face and to the figures of the held-out part."""
    folder, rng, said = tmp_path / "things", np.random.default_rng(3), list[str]()
    folder.mkdir()
    for i in range(16):
        Pillow.fromarray(rng.integers(90, 160, (20, 20, 3)).astype(np.uint8)).save(folder / f"{i}.png")
    data = manifests.concat([read_dataset(pictures), read_dataset(folder, label="not_a_face")])
    artifact = train(lambda: data, small(), tmp_path / "run", listener=Listener(say=said.append))
    card, report = read_card(artifact), json.loads((artifact / "report.json").read_text())
    assert card.labels == ("masked", "unmasked")
    assert card.data["counts"]["validation"] == {"masked": 4, "unmasked": 4, "not_a_face": 4}
    assert said[0] == "train: 52 rows (20 masked, 20 unmasked, 12 not_a_face)"
    assert report["n"] == 8
    asked = pl.read_csv(artifact / "predictions.csv").filter(pl.col("label") == "not_a_face")
    sure = {label: ((asked["predicted"] == label) & (asked["confidence"] >= 0.6)).mean() for label in card.labels}
    figures = card.figures["validation"]["not_a_face"]
    assert figures["n"] == 4
    assert {label: figures[label]["value"] for label in card.labels} == sure
    assert report["not_a_face"] == figures | {"sentence": report["not_a_face"]["sentence"]}
    assert "Of 4 pictures without a face" in (artifact / "report.html").read_text()


def test_a_random_split_is_told_apart(pictures: Path, tmp_path: Path) -> None:
    train(lambda: read_dataset(pictures), small(epochs=1, **{"split.by": "random"}), tmp_path / "run")
    check = read_card(tmp_path / "run" / "artifact").data["split_check"]
    assert check["groups"] > 0
    assert "both sides" in (tmp_path / "run" / "artifact" / "report.html").read_text()


KILLED = """
import os, signal, sys
from pathlib import Path
from maskwise.data.formats import read_dataset
from maskwise.training.listener import Listener
from maskwise.training.run import train
from tests.training.test_run import small

def step(done, total, loss, accuracy):
    if done == 2 and (run / "history.csv").exists():  # in the middle of the second epoch
        os.kill(os.getpid(), signal.SIGKILL)

run = Path(sys.argv[2])
train(lambda: read_dataset(sys.argv[1]), small(), run, listener=Listener(step=step))
"""


def test_resuming_after_kill_9_walks_the_unbroken_curve(pictures: Path, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(pictures), str(run)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(read_history(run / "history.csv")) == 1
    resume(run)
    curves = [
        [
            {key: row[key] for key in row if not key.endswith(("seconds", "_s"))}
            for row in read_history(r / "history.csv")
        ]
        for r in (trained, run)
    ]
    assert curves[0] == curves[1]
    ours, theirs = (load_file(r / "artifact" / "model.safetensors") for r in (run, trained))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert not list(run.glob(".crops*"))


def test_resuming_goes_on_with_the_averaged_weights_too(pictures: Path, tmp_path: Path) -> None:
    """A run cut off after its first epoch, and one that was not: the same average comes out, bit for bit."""
    recipe = small(ema=0.9, epochs=2, **{"sampling.by": "balanced", "augment.flip": True})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(lambda: read_dataset(pictures), recipe, whole)

    class CutOffError(Exception):
        pass

    def stop(record: EpochRecord, epochs: int) -> None:
        raise CutOffError(record, epochs)

    with pytest.raises(CutOffError):
        train(lambda: read_dataset(pictures), recipe, cut, listener=Listener(epoch=stop))
    resume(cut)
    ours, theirs = (load_file(run / "artifact" / "model.safetensors") for run in (cut, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    last = load_file(whole / "checkpoints" / "last.safetensors")
    assert not torch.equal(last["network.0.weight"], theirs["0.weight"]), "the artifact has the average"
    assert torch.equal(last["average.module.0.weight"], theirs["0.weight"])


def test_a_finished_run_is_not_trained_over(trained: Path, pictures: Path) -> None:
    with pytest.raises(StorageError, match="--resume"):
        train(lambda: read_dataset(pictures), small(), trained)


def test_resuming_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        resume(tmp_path)


def test_changed_data_is_not_resumed(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(lambda: read_dataset(pictures), small(epochs=1), run)
    manifest = manifests.load(run / "manifest.parquet")
    other = pl.col("label").replace_strict({"masked": "unmasked", "unmasked": "masked"})
    first = pl.col("path") == manifest.rows["path"][0]
    flipped = manifest.rows.with_columns(pl.when(first).then(other).otherwise("label").alias("label"))
    manifests.Manifest(flipped).save(run / "manifest.parquet")
    with pytest.raises(DataError, match="changed since"):
        resume(run)


ALONE = [sys.executable, "-m", "maskwise"]
TORCHRUN = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--nproc-per-node",
    "2",
    "--master-port",
    "29555",
    "-m",
    "maskwise",
]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def told(command: list[str]) -> str:
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(), timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def assert_same_curve(one: Path, other: Path) -> None:
    """Only the order of float additions differs; docs/guide/train.md states the bound."""
    for ours, theirs in zip(read_history(one / "history.csv"), read_history(other / "history.csv"), strict=True):
        assert theirs["train_loss"] == pytest.approx(ours["train_loss"], rel=1e-4)
        assert theirs["train_accuracy"] == pytest.approx(ours["train_accuracy"], abs=1e-6)
        assert theirs["validation_loss"] == pytest.approx(ours["validation_loss"], rel=1e-4)
    weights = [load_file(run / "artifact" / "model.safetensors") for run in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "flags"), [(ALONE, ["--processes", "2"]), (TORCHRUN, [])], ids=["processes", "torchrun"]
)
def test_two_processes_walk_the_curve_of_one(
    pictures: Path, trained: Path, tmp_path: Path, start: list[str], flags: list[str]
) -> None:
    """The same global batches shared over gloo."""
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "two"
    recipe.write_text(small().to_yaml())
    command = [*start, "train", "--data", str(pictures), "--recipe", str(recipe), "--out", str(run), "--device", "cpu"]
    assert told([*command, *flags]).count("artifact:") == 1, "both processes spoke"
    assert_same_curve(trained, run)


@pytest.mark.slow
def test_two_processes_normalise_batches_together(pictures: Path, tmp_path: Path) -> None:
    """At a small learning rate: a fresh network of fifty normalisations makes much of the last bit of a float.

    Shards as well, cut by both.
    """
    size = {"crop.size_px": 64, "optimizer.lr": 1e-5, "shards.rows": 7}
    wanted = small(network="efficientnet-lite0", epochs=1, batch_size=8, **size)
    (tmp_path / "recipe.yaml").write_text(wanted.to_yaml())
    for name, processes in (("one", "1"), ("two", "2")):
        data = ["--data", str(pictures), "--recipe", str(tmp_path / "recipe.yaml")]
        where = ["--out", str(tmp_path / name), "--device", "cpu", "--processes", processes]
        told([*ALONE, "train", *data, *where, "--shards", str(tmp_path / f"shards-{name}")])
    [one], [two] = (read_history(tmp_path / name / "history.csv") for name in ("one", "two"))
    assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-3)
    assert two["validation_loss"] == pytest.approx(one["validation_loss"], rel=1e-3)
    files = [sorted((tmp_path / f"shards-{name}").glob("*.npy")) for name in ("one", "two")]
    assert len(files[0]) == 6
    assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]


KILLED_TOGETHER = """
import os, signal, sys
from pathlib import Path
from maskwise.data.formats import read_dataset
from maskwise.training.listener import Listener
from maskwise.training.run import train
from tests.training.test_run import small

def step(done, total, loss, accuracy):
    if done == 2 and (run / "history.csv").exists():  # in the middle of the second epoch
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    run = Path(sys.argv[2])
    processes = int(sys.argv[3])
    hear = Listener(step=step)
    train(lambda: read_dataset(sys.argv[1]), small(), run, device="cpu", processes=processes, listener=hear)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_killed_run_goes_on_with_another_number_of_processes(
    pictures: Path, trained: Path, tmp_path: Path, before: int, after: int
) -> None:
    run, script = tmp_path / "run", tmp_path / "killed.py"
    script.write_text(KILLED_TOGETHER)
    command = [sys.executable, str(script), str(pictures), str(run), str(before)]
    killed = subprocess.Popen(command, env=environment(), start_new_session=True, stderr=subprocess.DEVNULL)
    assert killed.wait(timeout=200) == -signal.SIGKILL
    assert len(read_history(run / "history.csv")) == 1
    assert ended(killed.pid, within_s=60), "the other process sees that its fellow is gone"
    told([*ALONE, "train", "--resume", str(run), "--device", "cpu", "--processes", str(after)])
    assert_same_curve(trained, run)
    assert not list(run.glob(".crops*"))


def ended(session: int, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        mine = [p for p in psutil.process_iter() if p.status() != psutil.STATUS_ZOMBIE and session_of(p.pid) == session]
        if not mine:
            return True
        time.sleep(0.2)
    return False


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_shards_stay_for_the_next_run_and_are_not_cut_again(pictures: Path, bucket: str, tmp_path: Path) -> None:
    """In an object store; the run's own folder keeps no face."""
    recipe, place, cut = small(**{"shards.rows": 8, "shards.window": 2}), f"{bucket}/faces", dict[str, int]()
    for name in ("first", "second"):
        heard = list[tuple[str, int, int]]()
        train(
            lambda: read_dataset(pictures),
            recipe,
            tmp_path / name,
            shards=place,
            listener=Listener(progress=lambda *said: heard.append(said)),  # noqa: B023 - called before the next
        )
        cut[name] = sum(what == "cutting train" for what, *_ in heard)
        assert not list((tmp_path / name).glob(".crops*"))
    assert cut["first"] > 0
    assert cut["second"] == 0
    weights = [load_file(tmp_path / name / "artifact" / "model.safetensors") for name in ("first", "second")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_one_shard_of_everything_trains_as_one_file_does_but_for_the_order(pictures: Path, tmp_path: Path) -> None:
    """Without a place the shards lie in the run's folder, and are removed."""
    train(lambda: read_dataset(pictures), small(**{"shards.rows": 8, "shards.window": 2}), tmp_path / "run")
    assert not list((tmp_path / "run").glob(".crops*"))
    history = read_history(tmp_path / "run" / "history.csv")
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_shards_cannot_be_added_to_a_run_that_began_without(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="was begun without shards"):
        resume(trained, shards=str(tmp_path))


def test_mixed_precision_trains_and_exports_in_full_precision(pictures: Path, tmp_path: Path) -> None:
    train(lambda: read_dataset(pictures), small(epochs=1, precision="bf16-mixed"), tmp_path / "run")
    weights = load_file(tmp_path / "run" / "artifact" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert np.isfinite(read_history(tmp_path / "run" / "history.csv")[0]["train_loss"])


@pytest.mark.parametrize(
    ("losses", "patience", "best", "stops"),
    [
        ([3, 2, 1], 1, 2, False),
        ([3, 1, 2], 1, 1, True),
        ([3, 1, 2], 2, 1, False),
        ([1, 1, 1], 2, 0, True),
        ([3, 1, 2], None, 1, False),
    ],
)
def test_early_stopping(losses: list[float], patience: int | None, best: int, stops: bool) -> None:
    records = [EpochRecord(i, 0.1, 0, 0, loss, 0, 0, 0) for i, loss in enumerate(losses)]
    assert best_epoch(records) == best
    assert stopped(records, patience) == stops


def test_early_stopping_stops_the_run(pictures: Path, tmp_path: Path) -> None:
    frozen = small(epochs=5, patience=1, **{"optimizer.lr": 1e-12})
    train(lambda: read_dataset(pictures), frozen, tmp_path / "run")
    assert len(read_history(tmp_path / "run" / "history.csv")) < 5


def test_a_device_that_is_not_there_says_so(pictures: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(ConfigError, match="not available"):
        train(lambda: read_dataset(pictures), small(), tmp_path / "run", device="cuda")


def test_an_export_that_disagrees_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = networks.build("sequential", 2, SIZE)
    export.export_onnx(network, SIZE, tmp_path / "model.onnx")
    card = ModelCard(("masked", "unmasked"), "sequential", CropSpec(SIZE), Preprocess())
    crops = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3)).astype(np.uint8)
    assert export.check_parity(network, card, tmp_path / "model.onnx", crops).flips == 0
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    with pytest.raises(ExportError, match="disagrees with PyTorch on 5 crops"):
        export.check_parity(network, card, tmp_path / "model.onnx", crops)


def test_the_onnx_file_takes_any_batch_and_stands_alone(trained: Path) -> None:
    session = ort.InferenceSession(str(trained / "artifact" / "model.onnx"))
    for n in (1, 2, 7):
        assert session.run(None, {"crops": np.zeros((n, 3, SIZE, SIZE), np.float32)})[0].shape == (n, 2)


def test_the_classifier_is_the_network(trained: Path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (9, SIZE, SIZE, 3)).astype(np.uint8)
    network = networks.build("sequential", 2, SIZE)
    network.load_state_dict(load_file(trained / "artifact" / "model.safetensors"))
    with torch.no_grad():
        expected = softmax(network.eval()(torch.from_numpy(Preprocess()(crops))).numpy())
    np.testing.assert_allclose(MaskClassifier.load(trained / "artifact")(crops), expected, atol=1e-5)


def test_too_few_validation_faces_fit_nothing_and_say_so(trained: Path) -> None:
    card = read_card(trained / "artifact")
    assert (card.temperature, card.operating_points) == (1.0, {})
    assert card.thresholds == recipes.load("study").thresholds
    n = sum(card.data["counts"]["validation"].values())
    assert card.figures["not_chosen"] == [
        f"temperature stays 1: {n} held-out faces, at least 100 are needed to fit it",
        f"no operating points: {n} held-out faces, at least 100 are needed",
    ]


def test_temperature_and_points_come_from_the_validation_part_and_from_no_other(tmp_path: Path) -> None:
    """Recounted from the artifact: the exported network, asked again about the validation part."""
    rng, folder = np.random.default_rng(1), tmp_path / "pictures"
    for label, sign in (("masked", 1), ("unmasked", -1)):
        (folder / label).mkdir(parents=True)
        for i in range(160):
            pixels = 128 + sign * np.linspace(3, -3, 20)[:, None, None] + rng.normal(0, 40, (20, 20, 3))
            Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / label / f"{i}.png")
    recipe = small(**{"split.validation": 120, "split.test": 80, "epochs": 2})
    artifact = train(lambda: read_dataset(folder), recipe, tmp_path / "run")
    card, classifier = read_card(artifact), MaskClassifier.load(artifact)
    part = manifests.load(tmp_path / "run" / "manifest.parquet").part("validation")
    at_one = MaskClassifier(replace(card, temperature=1.0), artifact / "model.onnx")
    logits = np.log(predict(at_one, part).probabilities)
    target = np.array([card.labels.index(label) for label in part.rows["label"]])
    assert card.temperature == pytest.approx(fit_temperature(logits, target).value, rel=1e-3)
    assert card.temperature != 1
    judged = judge(predict(classifier, part))
    nothing_known = np.full(120, np.nan)
    quality = FaceQuality(nothing_known, nothing_known, nothing_known)
    for name in ("balanced", "statistics"):
        point = card.operating_points[name]
        assert point.figures["decided"]["n"] == 120
        again = figures_at(judged, quality, point.thresholds)
        assert {key: figure.to_json() for key, figure in again.items()} == point.figures
    assert card.thresholds == card.operating_points["balanced"].thresholds
    report = json.loads((artifact / "report.json").read_text())
    assert report["data"]["split"] == "test"
    assert report["operating_points"]["balanced"]["decided"]["n"] == report["n"] == 80
    assert maskwise.load(artifact, operating_point="statistics").pipeline.thresholds.confidence == 0


def test_without_a_validation_part_nothing_is_fitted(pictures: Path, tmp_path: Path) -> None:
    artifact = train(lambda: read_dataset(pictures), small(**{"split.validation": 0, "epochs": 1}), tmp_path / "run")
    card = read_card(artifact)
    assert (card.temperature, card.operating_points) == (1.0, {})
    assert "there is no validation part" in card.figures["not_chosen"][0]
