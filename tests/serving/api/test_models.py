from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from maskwise.model.artifact import folder_of, read_card
from tests.serving.checking.running import running


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(tmp_path_factory.mktemp("service")) as (client, _):
        yield client


def ask(client: TestClient, name: str = "default", **query: Any) -> Any:
    return client.get(f"/v1/models/{name}/cost", params={"people_per_hour": 100, "share_masked": 0.9, **query})


def test_a_model_is_what_its_card_says(client: TestClient) -> None:
    card = read_card(folder_of("default"))
    (model,) = client.get("/v1/models").json()["models"]
    assert model["labels"] == list(card.labels)
    assert model["sha256"] == card.files["model.onnx"]
    assert model["figures"] == card.figures["test"]
    assert set(model["operating_points"]) == {"balanced", "gate", "statistics"}
    assert model["operating_points"]["gate"]["figures"] == card.operating_points["gate"].figures
    assert model["data"]["counts"] == card.data["counts"]
    assert model["operating_point"] is None
    assert model["thresholds"] == model["operating_points"]["balanced"]["thresholds"]


def test_cost_of_each_operating_point(client: TestClient) -> None:
    said = ask(client).json()
    points = said["operating_points"]
    assert set(points) == {"balanced", "gate", "statistics"}
    assert points["balanced"]["false_alarms_per_hour"]["value"] == pytest.approx(90 * 8 / 600)
    assert points["statistics"]["uncertain_per_100"]["value"] == 0
    assert "look" in said["note"]


@pytest.mark.parametrize(
    ("query", "status"),
    [({"share_masked": 1.01}, 422), ({"share_masked": "nan"}, 422), ({"people_per_hour": -1}, 422),
     ({"people_per_hour": "inf"}, 422), ({"people_per_hour": 0}, 200),
     ({"share_masked": 0}, 200), ({"share_masked": 1}, 200)],
)  # fmt: skip
def test_ranges(client: TestClient, query: dict[str, Any], status: int) -> None:
    assert ask(client, **query).status_code == status


def test_a_model_that_is_not_there(client: TestClient) -> None:
    answer = ask(client, "other")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
