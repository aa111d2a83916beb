from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping
from maskwise.training import recipe as recipes
from maskwise.training.recipe import Recipe


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_that_comes_along_is_read_and_survives_being_saved(name: str) -> None:
    recipe = recipes.load(name)
    assert from_mapping(Recipe, "", yaml.safe_load(recipe.to_yaml())) == recipe


def test_the_study_recipe_is_the_study() -> None:
    study = recipes.load("study")
    assert (study.network, study.crop.size_px, study.epochs, study.batch_size) == ("sequential", 100, 4, 64)
    assert (study.optimizer.name, study.optimizer.lr, study.optimizer.momentum) == ("sgd", 1e-3, 0.9)
    assert (study.preprocess.mean, study.preprocess.std) == ((0, 0, 0), (1, 1, 1))
    assert study.augment == recipes.Augment()
    assert study.schedule.name == "constant"
    assert study.keep == "last"  # the study measured what its last epoch left


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 7\noptimizer: {lr: 1e-2}\n")
    recipe = recipes.load(str(file), {"optimizer.momentum": 0.5, "epochs": 2})
    assert (recipe.epochs, recipe.optimizer.lr, recipe.optimizer.momentum) == (2, 0.01, 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("optimizer: {lrr: 1}", "optimizer.lrr; did you mean 'lr'"),
        ("epochs: 0", "above 0"),
        ("- 1", "keys and values"),
        ("a: [", "not YAML"),
        ("optimizer: {lr: .nan}", "optimizer.lr"),
        ("seed: -1", "seed"),
        ("pretrained: true", "no published weights of 'sequential'"),
        ("sources: {a: {split: dev}}", "sources.a.split: expected one of train, validation, test, given"),
        ("sources: {a: {label: bare}}", "'bare' is not a class"),
        ("render: {mix: {each: 0}}", "at least one picture of each face"),
        ("augment: {coarse: 2}", "augment.coarse: 2.0 must be between 0 and 1"),
        ("augment: {rotate: 200}", "augment.rotate: 200.0 must be between 0 and 180 degrees"),
        ("sampling: {by: balanced, size: 0}", "sampling.size"),
        ("sampling: {classes: {bare: 1}}", "'bare' is not a class"),
        ("sampling: {classes: {masked: 0}}", "sampling.classes.masked: 0.0 must be above 0"),
        ("ema: 1.0", "ema: 1.0 must be 0 or more and below 1"),
        ("label_smoothing: 1.5", "label_smoothing"),
    ],
)
def test_a_bad_recipe_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        recipes.load(str(file))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="default, demo, study, study-wide"):
        recipes.load("studdy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("patience=null", ("patience", None)),
        ("network=timm/resnet18", ("network", "timm/resnet18")),
    ],
)
def test_overrides_are_typed(text: str, expected: tuple[str, object]) -> None:
    assert recipes.parse_override(text) == expected


def test_an_override_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        recipes.parse_override("epochs")
