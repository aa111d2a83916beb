"""Pictures looked at by the workers of an engine, in place of the threads of this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.audit.look import Look, look_at, unseen
from maskwise.engines.chunks import in_chunks
from maskwise.engines.engine import Done, Engine
from maskwise.model.faces import FaceDetector
from maskwise.model.worker import not_survived, one_of_many

AT_ONCE = 32
"""Pictures of a task: half a second's work, and some 800 kB that come back."""

Picture = tuple[str, NDArray[np.float32]]
"""A file, and the (n, 4) boxes of its faces; nan where the whole picture is one."""

_LOG = logging.getLogger(__name__)


def looked_by(engine: Engine, pictures: Sequence[Picture], detect: FaceDetector | None) -> Iterator[list[Look]]:
    """Look at each picture, some at a time, in their order; `unseen` is one that no worker lived to finish.

    Args:
        engine: its workers have to reach the pictures under the same paths.
        pictures: what to look at.
        detect: is pickled; give it one thread.

    Raises:
        EngineError: workers cannot work.
    """
    for one in in_chunks(engine, _Looking(detect), pictures, AT_ONCE):
        if isinstance(one, Done):
            yield one.result
            continue
        for path, boxes in one.task:
            _LOG.warning("%s", not_survived(path, one.why))
            yield [unseen(len(boxes))]


@dataclass(frozen=True, slots=True)
class _Looking:
    """How a worker comes to look."""

    detect: FaceDetector | None

    def __call__(self) -> Callable[[list[Picture]], list[Look]]:
        one_of_many()
        return lambda pictures: [look_at(Path(path), boxes, self.detect) for path, boxes in pictures]
