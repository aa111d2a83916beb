"""What the documents say is so: commands parse, links lead somewhere, named tests exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from maskwise import cli
from maskwise.model.artifact import ModelCard
from maskwise.model.config import from_mapping
from maskwise.training import recipe as recipes
from maskwise.training.recipe import Recipe

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def commands() -> Iterator[tuple[str, str]]:
    """Every `maskwise ...` line in a shell block of a page."""
    for page in PAGES:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("maskwise "):
                    yield page.name, line.split("#")[0].split("|")[0].strip()


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_every_command_in_the_docs_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(cli.app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", None), f"{page}: {line!r} names no verb"
    for word in words:
        if word.startswith("-"):
            assert word in options_of(command), f"{page}: {word} is no option of {command.name}"


def test_there_are_commands_to_check() -> None:
    assert len(list(commands())) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_tests_that_pages_name_exist(page: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()):
        assert f"def {name}(" in (REPOSITORY / path).read_text(), f"{path}::{name}"


def test_the_recipe_in_the_guide_is_the_studys_with_every_key() -> None:
    block = re.search(r"```yaml\n(.*?)```", (REPOSITORY / "docs/guide/train.md").read_text(), re.DOTALL)
    assert block is not None
    shown = yaml.safe_load(block.group(1))
    assert from_mapping(Recipe, "", shown) == recipes.load("study")
    assert shown.keys() == recipes.load("study").to_mapping().keys()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((REPOSITORY / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_key_of_model_json_is_described() -> None:
    described = set(
        re.findall(r"^\| `(\w+)` \|", (REPOSITORY / "docs/reference/artifact.md").read_text(), re.MULTILINE)
    )
    assert described == {field.name for field in fields(ModelCard)}
