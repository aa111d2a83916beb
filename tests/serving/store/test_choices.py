from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from maskwise.errors import ConfigError
from maskwise.model.artifact import folder_of, read_card
from maskwise.serving.store.choices import Choice, Choices
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import SettingRow

CARD = read_card(folder_of("default"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def test_a_choice_is_remembered(database: Database) -> None:
    choices = Choices(database, CARD)
    assert choices.now == Choice()
    choices.change({"operating_point": "gate", "quiet": ["22:00", "06:00"]})
    choices.change({"pause_s": 0.0})
    expected = Choice(30, "gate", ("22:00", "06:00"), 0.0)
    assert choices.now == Choices(database, CARD).now == expected
    choices.change({"quiet": None, "operating_point": None})
    assert Choices(database, CARD).now == Choice(pause_s=0.0)


@pytest.mark.parametrize(
    "given",
    [{"retention_days": 0}, {"retention_days": 3651}, {"pause_s": -1.0}, {"pause_s": float("nan")},
     {"quiet": ["22:00"]}, {"quiet": ["22:00", "later"]}, {"operating_point": "other"}],
)  # fmt: skip
def test_a_wrong_choice_changes_nothing(database: Database, given: dict[str, Any]) -> None:
    choices = Choices(database, CARD)
    with pytest.raises(ConfigError):
        choices.change({"retention_days": 7, **given})
    assert choices.now == Choices(database, CARD).now == Choice()


def test_what_another_model_or_version_left_behind_is_not_taken(database: Database) -> None:
    left = {"operating_point": "other", "colour": "red", "pause_s": "long", "retention_days": 7}
    with database.begin() as session:
        session.add_all(SettingRow(name=name, value=value) for name, value in left.items())
    assert Choices(database, CARD).now == Choice(retention_days=7)
    assert Choices(database, replace(CARD, operating_points={})).now.operating_point is None
