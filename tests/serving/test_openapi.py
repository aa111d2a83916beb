"""The whole of REST against its own description: whatever is asked, well or badly, by an admin or by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from maskwise.errors import InputError
from maskwise.serving.api import live
from maskwise.serving.app import create_app
from maskwise.serving.cameras.doors import Doors
from maskwise.serving.service import Service
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


BY_MEANING = frozenset(
    {
        *(("POST", path) for path in ("/v1/check", "/v1/streams", "/v1/alarms")),
        *(("GET", path) for path in ("/v1/events", "/v1/events.csv", "/v1/statistics", "/v1/statistics.csv")),
        *(("PATCH", path) for path in ("/v1/streams/{stream_id}", "/v1/settings")),
    }
)
"""What is well formed may be refused here for what it means: operating points of the model, addresses that may be
opened, alarms that can be sent, cursors, spans that make too many buckets. No schema could say so."""


def against_the_contract(case: Any, url: str) -> list[Any]:
    """Checks that are left out."""
    left_out: list[Any] = []
    if (case.method, case.path) in BY_MEANING:
        left_out.append(positive_data_acceptance)
    names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    if len(names) > len(set(names)):  # of what is given twice the last one counts
        left_out.append(negative_data_rejection)
    if case.path == "/metrics":  # nobody on this machine is asked for a token
        left_out.append(ignored_auth)
    return left_out


def described() -> Any:
    return schemathesis.openapi.from_dict(create_app(cast(Service, None)).openapi())  # which needs no service


whole, briefly = described(), described()
briefly.config.phases.coverage.enabled = False  # which tries each limit of each field


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
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = case.call(base_url=api.url, headers=headers, timeout=30)
    left_out = against_the_contract(case, response.request.url)
    case.validate_response(response, excluded_checks=left_out, headers=headers)


@briefly.parametrize()  # type: ignore[untyped-decorator]
@examples(5)
def test_an_admin_is_answered_as_described(case: Any, api: Api) -> None:
    ask(case, api, api.token)


@briefly.parametrize()  # type: ignore[untyped-decorator]
@examples(2)
def test_nobody_is_answered_as_described(case: Any, api: Api) -> None:
    ask(case, api, None)


@pytest.mark.slow
@whole.parametrize()  # type: ignore[untyped-decorator]
@examples(50)
def test_an_admin_is_answered_as_described_whatever_they_ask(case: Any, api: Api) -> None:
    ask(case, api, api.token)
