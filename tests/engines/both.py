"""Each engine with two workers; Ray runs for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maskwise.engines.engine import Engine
from maskwise.engines.local import Local
from maskwise.engines.on_ray import OnRay


@pytest.fixture(scope="module", params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One after the other."""
    if request.param == "local":
        yield Local(2)
        return
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield OnRay()
    ray.shutdown()
