"""Libraries that come along leave nothing at home and report to nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = "import numpy, maskwise; maskwise.load()(numpy.zeros((64, 64, 3), numpy.uint8))"


def files_left(home: Path, **environment: str) -> list[Path]:
    """What a run with this empty home leaves in it."""
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(home))
    inherited = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    # A library that holds its tongue where it sees automation would make this test pass for the wrong reason.
    for name in ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST"):
        inherited.pop(name, None)
    subprocess.run([sys.executable, "-c", CHECK], env={**inherited, **places, **environment}, check=True)
    return [path for path in home.rglob("*") if path.is_file()]


def test_a_model_that_ran_left_nothing(tmp_path: Path) -> None:
    assert files_left(tmp_path) == []


def test_whoever_wants_it_may_have_it(tmp_path: Path) -> None:
    if not files_left(tmp_path, ORT_DISABLE_TELEMETRY="0"):
        pytest.skip("this version of ONNX Runtime reports nothing, so there is nothing to stop")
