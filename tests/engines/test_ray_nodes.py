"""A real cluster of separate raylets, as several machines would be: work on each; one of them, or the head, killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maskwise.batch.run import Progress, Wish, run
from maskwise.engines.engine import Done
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay
from tests.batch.pictures import WHOLE, coloured, rows_of
from tests.builders import tiny_artifact

pytest.importorskip("ray")


@dataclass(frozen=True)
class Where:
    """Takes its time, and says on which node."""

    seconds: float

    def __call__(self) -> Callable[[int], str]:
        return self.look

    def look(self, _: int) -> str:
        import ray

        time.sleep(self.seconds)
        return str(ray.get_runtime_context().get_node_id())


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that does no work, and two nodes of one core each, every one with a raylet of its own."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        made.nodes = [made.add_node(num_cpus=1) for _ in range(2)]
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


@pytest.mark.slow
def test_work_is_done_on_every_node_and_once_though_one_is_killed(cluster: Any) -> None:
    done, nodes, killed = [], set(), False
    for one in OnRay(cluster.address).map(Where(0.3), range(80)):
        assert isinstance(one, Done)
        done.append(one.task)
        nodes.add(one.result)
        if len(nodes) == 2 and not killed:
            killed = True
            cluster.remove_node(cluster.nodes[1], allow_graceful=False)  # SIGKILL to its raylet
    assert killed
    assert sorted(done) == list(range(80))


@pytest.mark.slow
def test_rows_are_those_of_an_unbroken_run_though_a_node_is_killed(cluster: Any, tmp_path: Path) -> None:
    pictures = coloured(tmp_path / "in", 600, broken=(3, 170))
    model = str(tiny_artifact(tmp_path / "model"))
    run(Wish((str(pictures),), str(tmp_path / "whole"), model, WHOLE, part_rows=10), Local(2))
    killed = threading.Event()

    def hear(progress: Progress) -> None:
        if progress.fresh >= 100 and not killed.is_set():
            killed.set()
            cluster.remove_node(cluster.nodes[0], allow_graceful=False)

    summary = run(
        Wish((str(pictures),), str(tmp_path / "broken"), model, WHOLE, part_rows=10), OnRay(cluster.address), hear
    )
    assert killed.is_set()
    assert summary.whole
    assert rows_of(tmp_path / "broken").equals(rows_of(tmp_path / "whole"))
    assert rows_of(tmp_path / "broken")["input"].to_list() == list(range(600))


@pytest.mark.slow
def test_a_run_whose_head_is_killed_ends_and_is_resumed_without_a_cluster(cluster: Any, tmp_path: Path) -> None:
    pictures, model = coloured(tmp_path / "in", 2_000), str(tiny_artifact(tmp_path / "model"))
    place = tmp_path / "broken"
    command = [sys.executable, "-m", "maskwise", "batch", str(pictures), str(place), "--model", model]
    command += ["--faces", "whole", "--part-rows", "10"]
    with subprocess.Popen([*command, "--engine", "ray", "--address", cluster.address], stderr=subprocess.PIPE) as ran:
        try:
            until = time.monotonic() + 120
            while len(list(place.glob("rows/*.parquet"))) < 20:
                assert ran.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
            ran.communicate(timeout=150)  # Ray gives the head 60 s
            assert ran.returncode == 1
        finally:
            ran.kill()
    before = len(list(place.glob("rows/*.parquet")))
    assert before < 200
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    run(Wish((str(pictures),), str(tmp_path / "whole"), model, WHOLE, part_rows=10), Local(2))
    assert rows_of(place).equals(rows_of(tmp_path / "whole"))
    assert rows_of(place)["input"].to_list() == list(range(2_000))
