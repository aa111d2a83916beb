"""Every stream that is watched."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from maskwise.model.artifact import ModelCard
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.settings import Settings
from maskwise.serving.store.database import Database


class Cameras:
    """Watches streams in the background; a context."""

    def __init__(self, settings: Settings, database: Database, card: ModelCard, metrics: Metrics) -> None:
        self._settings, self._database, self._card, self._metrics = settings, database, card, metrics

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""
