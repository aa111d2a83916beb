"""An engine of this process: last task first, and some of them end every worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from maskwise.engines.engine import Done, Lost

WHY = "the process was ended by SIGKILL"


class Losing:
    """An engine that loses each task which holds something fatal.

    fatal: tells of one thing whether workers end over it.
    sizes: how many things each task held.
    """

    def __init__(self, fatal: Callable[[Any], bool] = lambda _: False) -> None:
        self.fatal = fatal
        self.sizes: list[int] = []

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        do = make()
        for task in reversed(list(tasks)):
            self.sizes.append(len(task.things))
            yield Lost(task, WHY) if any(map(self.fatal, task.things)) else Done(task, do(task))
