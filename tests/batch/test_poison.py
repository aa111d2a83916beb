"""Pictures that end the process which looks at them: a row each, and everybody else's answer all the same."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from maskwise.batch.run import Wish, run
from maskwise.engines.engine import Engine
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from tests.batch.pictures import WHOLE, coloured, rows_of
from tests.builders import tiny_artifact

KILLS = """
import os, signal, sys

def hook(event, args):
    if event == "open" and isinstance(args[0], (str, os.PathLike)) and str(args[0]).endswith(".poison.png"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""


@pytest.mark.parametrize(
    "engine", [Local(2), pytest.param(OnRay(workers=2), marks=pytest.mark.slow)], ids=["local", "ray"]
)
def test_a_picture_that_ends_processes_costs_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    folder = coloured(tmp_path / "in", 20)
    wish = Wish((str(folder),), str(tmp_path / "out"), str(tiny_artifact(tmp_path / "model")), WHOLE, part_rows=10)
    for number in (4, 9, 14):
        (folder / f"{number:05d}.png").rename(folder / f"{number:05d}.poison.png")
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/sitecustomize.py").write_text(KILLS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'hooks'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    summary = run(wish, engine)
    assert summary.whole
    rows = rows_of(tmp_path / "out")
    assert rows["input"].to_list() == list(range(20))
    bad = rows.filter(pl.col("status") == "error")
    assert bad["input"].to_list() == [4, 9, 14]
    assert all("was not survived (the process was ended by SIGKILL)" in error for error in bad["error"])
    assert not list((tmp_path / "out/plan/attempts").iterdir())
