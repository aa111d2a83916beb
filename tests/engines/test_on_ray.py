"""A real Ray, started by the test: the same promises as processes of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.engines.engine import Done
from maskwise.engines.on_ray import OnRay
from maskwise.errors import ConfigError, EngineError
from tests.engines.tasks import Squares, refusing

pytest.importorskip("ray")


def test_each_task_is_done_though_a_worker_is_killed(tmp_path: Path) -> None:
    done = list(OnRay(workers=2).map(Squares(tmp_path, fatal=((7, 1),)), range(20)))
    assert sorted(done, key=lambda one: one.task) == [Done(n, n * n) for n in range(20)]
    assert len(list(tmp_path.glob("died-7-*"))) == 1


def test_what_a_worker_says_is_told() -> None:
    with pytest.raises((ConfigError, EngineError), match="threads: -1 is below 0"):
        list(OnRay(workers=1).map(refusing, range(2)))


def test_a_cluster_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"--address 127.0.0.1:9: no Ray cluster answers there"):
        list(OnRay("127.0.0.1:9").map(Squares(tmp_path), range(2)))
