"""One part done: its inputs read, looked at and written; which engine asks for it is not known here.

Doing a part twice is doing it once: its file has one name, and its rows are the same each time but for how long they
took.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskwise.batch.inputs import Input
from maskwise.batch.looking import look
from maskwise.batch.plan import MODEL, Plan, check, part_inputs, read_plan
from maskwise.batch.reading import read, shown
from maskwise.batch.rows import Counts, Row, part_name, read_counts, row, to_parquet
from maskwise.data.store import Store
from maskwise.engines.engine import Done
from maskwise.engines.local import Local
from maskwise.errors import StorageError
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import CARD_NAME
from maskwise.model.faces import DEFAULT_MIN_FACE_PX, MAX_SIDE_PX
from maskwise.values import FrameResult

CAREFUL_AFTER = 2
"""Workers that ended over a part before its pictures are looked at one by one, in a process that may end, too."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a worker comes to do parts: from the plan alone, wherever it runs.

    place: of the plan and the rows.
    threads: for the networks of each worker.
    """

    place: str
    threads: int = 1

    def __call__(self) -> Callable[[int], Counts]:
        """Load plan and model.

        Raises:
            StorageError: no plan there.
            ArtifactError: the copy of the model was altered.
        """
        store, plan, pipeline = _opened(self.place, self.threads)
        return lambda part: score(store, plan, pipeline, part)


def score(store: Store, plan: Plan, pipeline: Pipeline, part: int) -> Counts:
    """Do a part, unless it is done.

    Raises:
        StorageError: it cannot be read or written.
    """
    done = done_counts(store, plan, part)
    if done is not None:
        return done
    attempts = _Attempts(store, part)
    before = attempts.begin()
    coming = part_inputs(store, plan, part)
    first = part * plan.part_rows
    rows = _carefully(store.place, plan, coming, first) if before >= CAREFUL_AFTER else None
    content, counted = to_parquet(rows or list(_rows(plan, pipeline, coming, first)), plan.id)
    store.write(part_name(part), content)
    attempts.over()
    return counted


def done_counts(store: Store, plan: Plan, part: int) -> Counts | None:
    """What a part has come to; None if it is not done, or its file is damaged.

    Raises:
        StorageError: it cannot be told.
    """
    with store.opened(part_name(part)) as file:
        return read_counts(file, plan.id, plan.rows_of(part)) if file else None


def _rows(plan: Plan, pipeline: Pipeline, coming: list[Input], first: int) -> Iterator[Row]:
    """Of one input after the other; they begin with number `first`."""
    pictures = read(coming, Path(plan.base), None if _in_full(plan) else MAX_SIDE_PX)
    for number, (one, looked) in enumerate(zip(coming, look(pipeline, pictures, first), strict=True), first):
        yield row(
            number,
            one,
            looked.result,
            plan.model_sha256,
            decoded_at=looked.decoded_at,
            read_ms=looked.read_ms,
            check_ms=looked.check_ms,
        )


def _in_full(plan: Plan) -> bool:
    """Small faces are looked for in the picture's own pixels, and whole pictures are what a face was cut to."""
    judging = plan.judging
    return judging.full or judging.faces == "whole" or judging.min_face_px < DEFAULT_MIN_FACE_PX


def _carefully(place: str, plan: Plan, coming: list[Input], first: int) -> list[Row]:
    """Each picture in a process of its own making; one that ends the process is a row with that as its error."""
    last = first + len(coming) - 1
    _LOG.warning("inputs %d to %d were begun before and not finished; going through them one by one", first, last)
    rows: dict[int, Row] = {}
    tasks = list(enumerate(coming, first))
    for done in Local(1, attempts=1).map(partial(_single, place), tasks):
        number, one = done.task
        if isinstance(done, Done):
            rows[number] = done.result
        else:
            error = f"{shown(one)}: looking at it was not survived ({done.why}); look at the picture, and at the memory"
            result = FrameResult.failed(one.path, number, error, plan.labels)
            rows[number] = row(number, one, result, plan.model_sha256)
    return [rows[number] for number, _ in tasks]


def _single(place: str) -> Callable[[tuple[int, Input]], Row]:
    _, plan, pipeline = _opened(place, 1)
    return lambda task: next(_rows(plan, pipeline, [task[1]], task[0]))


def _opened(place: str, threads: int) -> tuple[Store, Plan, Pipeline]:
    store = Store(place)
    plan = read_plan(store)
    if plan is None:
        raise StorageError(f"{place}: there is no plan; every worker has to reach the folder that results go to")
    with model_folder(store) as folder:
        return store, plan, check(folder, plan.judging, threads).pipeline


@contextmanager
def model_folder(store: Store) -> Iterator[Path]:
    """The plan's copy of the model, as a folder of this machine.

    Raises:
        StorageError: the plan has lost it.
    """
    if store.folder:
        yield store.folder / MODEL
        return
    card = store.read(f"{MODEL}/{CARD_NAME}")
    if card is None:
        raise StorageError(f"{store.place}: the plan has lost its model; begin anew elsewhere")
    with tempfile.TemporaryDirectory() as folder:
        for name in (CARD_NAME, *json.loads(card)["files"]):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.read(f"{MODEL}/{name}") or b"")
        yield Path(folder)


class _Attempts:
    """How often a part was begun and not finished; kept beside the rows, as whoever counts may end, too."""

    def __init__(self, store: Store, part: int) -> None:
        self._store, self._name = store, f"plan/attempts/{part:06d}"

    def begin(self) -> int:
        """Count one more; returns how many there were."""
        content = self._store.read(self._name) or b"0"
        before = int(content) if content.isdigit() else 0
        self._store.write(self._name, str(before + 1).encode())
        return before

    def over(self) -> None:
        self._store.remove(self._name)
