"""Pictures in, results out."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from maskwise.inference.checker import load
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.settings import Settings


class Checks:
    """Looks at pictures; a context.

    card: of the model.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._checker = load(settings.model, threads=settings.cores)
        self._metrics = metrics
        self.card = self._checker.pipeline.classify.card

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""
