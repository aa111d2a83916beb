"""A sink that works in a thread of its own, so that encoding does not hold up looking."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Protocol, Self

from maskwise.stream.watching import Moment

DEPTH = 4
"""Moments that may wait; whoever hands over one more waits until there is room: nothing is lost."""


class MomentSink(Protocol):
    """Whatever takes the moments of a stream one by one; use it as a context."""

    def look(self, moment: Moment) -> None:
        """Take one.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Beside:
    """Hands moments to a sink in its own thread, in order.

    An error there is raised at the next moment, or at the end.
    """

    def __init__(self, sink: MomentSink) -> None:
        self._sink = sink
        self._waiting: queue.Queue[Moment | None] = queue.Queue(DEPTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=type(sink).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._sink.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._sink.__exit__(kind, error, at)
        if error is None and self._error is not None:
            raise self._error

    def look(self, moment: Moment) -> None:
        """Hand one over; waits where the sink is too far behind.

        Raises:
            StorageError: the sink could not write an earlier one.
        """
        if self._error is not None:  # stays: what waits behind it must not be written either
            raise self._error
        self._waiting.put(moment)

    def _work(self) -> None:
        while (moment := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._sink.look(moment)
                except BaseException as error:  # noqa: BLE001 - raised where the moments come from
                    self._error = error
