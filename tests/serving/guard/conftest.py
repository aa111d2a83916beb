from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from maskwise.serving.guard.refusals import Refusals
from maskwise.serving.guard.roles import Role
from maskwise.serving.service import Service
from maskwise.serving.store import tokens
from tests.serving.services import one_of_each, service


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service: loading its model takes longer than most tests."""
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield parts


@pytest.fixture
def parts(running: Service) -> Service:
    """A service nobody has a token for yet, and nothing is on record of."""
    with running.database.begin() as session:
        for token in tokens.listed(session):
            tokens.revoke(session, token.id)
    running.settings.audit_log.write_bytes(b"")
    running.identities.forget()
    return replace(running, refusals=Refusals(running.audit))


@pytest.fixture
def tokens_of(parts: Service) -> dict[Role, str]:
    """A token of each role: from now on one is needed."""
    return one_of_each(parts)
