from __future__ import annotations

from collections.abc import Iterator

import pytest

from maskwise.serving.guard.callers import Role
from maskwise.serving.service import Service
from tests.serving.services import one_of_each, service


@pytest.fixture
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service nobody has a token for yet."""
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield parts


@pytest.fixture
def tokens_of(parts: Service) -> dict[Role, str]:
    """A token of each role: from now on one is needed."""
    return one_of_each(parts)
