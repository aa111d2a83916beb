"""What is chosen while the service runs: kept in the database, and at hand without asking it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import time
from typing import Any

from sqlalchemy.orm import Session

from maskwise.errors import ConfigError
from maskwise.model.artifact import ModelCard
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import SettingRow

LONGEST_DAYS = 3650
LONGEST_PAUSE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that can be chosen.

    retention_days: events and what is counted of them are kept so long, 1 to 3650.
    operating_point: of the model, where a request names none; the model's own default if None.
    quiet: from when to when, HH:MM by the local clock, no alarm is sent; over midnight if the first is later.
    pause_s: at least so long between two alarms about one stream to one target, 0 to 86,400.
    """

    retention_days: int = 30
    operating_point: str | None = None
    quiet: tuple[str, str] | None = None
    pause_s: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.retention_days <= LONGEST_DAYS:
            raise ConfigError(f"retention_days: {self.retention_days} is not from 1 to {LONGEST_DAYS}")
        if not 0 <= self.pause_s <= LONGEST_PAUSE_S:
            raise ConfigError(f"pause_s: {self.pause_s} is not from 0 to {LONGEST_PAUSE_S:.0f}")
        if self.quiet is not None:
            if len(self.quiet) != 2:
                raise ConfigError('quiet: give two times of day, as ["22:00", "06:00"]')
            object.__setattr__(self, "quiet", tuple(self.quiet))
            self.quiet_times()

    def quiet_times(self) -> tuple[time, time] | None:
        """The quiet hours as times of day."""
        return None if self.quiet is None else (_time(self.quiet[0]), _time(self.quiet[1]))

    def to_json(self) -> dict[str, Any]:
        """As REST has it."""
        return asdict(self) | {"quiet": None if self.quiet is None else list(self.quiet)}


class Choices:
    """What is chosen now; safe to read from any thread.

    now: never changed in place.
    """

    def __init__(self, database: Database, card: ModelCard) -> None:
        """Read them; what this version or this model does not know is left out."""
        self._database, self._card, self._changing = database, card, threading.Lock()
        with database.begin() as session:
            self.now = _read(session, card)

    def change(self, given: Mapping[str, Any]) -> Choice:
        """Change some of them.

        Args:
            given: by name, as `Choice` has them.

        Raises:
            ConfigError: one is out of range, or the model has no such operating point; nothing is changed then.
        """
        with self._changing:  # of two changes at once, the later one is what is at hand, too
            with self._database.begin() as session:
                choice = replace(_read(session, self._card), **given)
                self._card.thresholds_at(choice.operating_point)
                for name, value in choice.to_json().items():
                    if name in given:
                        session.merge(SettingRow(name=name, value=value))
            self.now = choice
        return choice


def _read(session: Session, card: ModelCard) -> Choice:
    choice = Choice()
    for row in session.query(SettingRow):
        if row.name not in Choice.__dataclass_fields__:
            continue
        try:
            changed = replace(choice, **{row.name: row.value})
            card.thresholds_at(changed.operating_point)
        except (ConfigError, TypeError):  # of another model or version
            continue
        choice = changed
    return choice


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"quiet: {text!r} is not a time of day; write HH:MM") from error
