"""The whole of REST against its own description: whatever is asked, well or badly, by an admin or by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.checks import load_all_checks

from maskwise.errors import InputError
from maskwise.serving.api import live
from maskwise.serving.cameras.doors import Doors
from maskwise.serving.settings import Limits
from tests.serving.listening import listening
from tests.serving.services import service, token

OFTEN = 1_000_000


class Closed(Doors):
    """Nothing is opened: neither a camera of this machine, nor an address of anybody."""

    def open(self, *_: Any, **__: Any) -> Any:
        raise InputError("nobody is there")


@dataclass(frozen=True)
class Api:
    """A service that listens, and the token of its admin."""

    url: str
    token: str


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maskwise.serving.cameras.cameras.Doors", lambda *_: Closed(lookup=lambda _: ["10.0.0.7"]))
        patch.setattr("maskwise.serving.api.alarms.send", lambda *_: False)
        patch.setattr(live, "LONGEST_S", 0.0)
        patch.setattr("maskwise.serving.guard.guard.SIGN_INS_PER_MINUTE", OFTEN)
        folder = tmp_path_factory.mktemp("service")
        with service(folder, limits=Limits(requests_per_minute=OFTEN)) as parts:
            secret = token(parts, "admin")
            with listening(parts) as url:
                yield Api(url, secret)


@pytest.fixture(scope="module")
def described(api: Api) -> Any:
    return schemathesis.openapi.from_url(f"{api.url}/v1/openapi.json", headers={"Authorization": f"Bearer {api.token}"})


load_all_checks()
AGAINST_THE_CONTRACT: list[Any] = []
"""Checks that are left out, and why."""

whole = schemathesis.pytest.from_fixture("described")


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def ask(case: Any, api: Api, token: str | None) -> None:
    if case.method == "DELETE" and case.path == "/v1/tokens/{number}":
        assume(str(case.path_parameters["number"]) != "1")  # the one that asks
    headers = {"Authorization": f"Bearer {token}"} if token else None
    case.call_and_validate(headers=headers, excluded_checks=AGAINST_THE_CONTRACT, timeout=30)


@whole.parametrize()
@examples(10)
def test_an_admin_is_answered_as_described(case: Any, api: Api) -> None:
    ask(case, api, api.token)


@whole.parametrize()
@examples(3)
def test_nobody_is_answered_as_described(case: Any, api: Api) -> None:
    ask(case, api, None)


@pytest.mark.slow
@whole.parametrize()
@examples(200)
def test_an_admin_is_answered_as_described_whatever_they_ask(case: Any, api: Api) -> None:
    ask(case, api, api.token)
