"""A whole run: plan, parts that are not done yet, an engine to do them, a summary."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from maskwise.batch.inputs import inputs
from maskwise.batch.plan import Judging, Plan, make_plan, read_plan
from maskwise.batch.report import write_report
from maskwise.batch.rows import Counts, part_name
from maskwise.batch.score import Scoring, done_counts, model_folder
from maskwise.batch.summary import Summary, known_rates, summary_json
from maskwise.data.store import Store
from maskwise.engines.engine import Done, Engine
from maskwise.errors import InputError, UsageError
from maskwise.model.artifact import ModelCard, read_card

PART_ROWS = 512
"""Pictures of a part: what a worker that is killed has to do again, some ten seconds' work."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for.

    sources: what to look at.
    place: folder or address for the results.
    model: folder of the artifact, or `default`.
    judging: how to look.
    part_rows: pictures of a part.
    resume: go on with what is there.
    """

    sources: tuple[str, ...]
    place: str
    model: str = "default"
    judging: Judging = field(default_factory=Judging)
    part_rows: int = PART_ROWS
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    found: inputs that were found while the plan is made; None afterwards.
    done, count: pictures.
    fresh: of those done, in this run.
    seconds: that this run has worked on them.
    """

    found: int | None = None
    done: int = 0
    count: int = 0
    fresh: int = 0
    seconds: float = 0.0


def run(wish: Wish, engine: Engine, hear: Callable[[Progress], None] = lambda _: None) -> Summary:
    """Do all that is not done yet.

    Args:
        wish: what is asked for.
        engine: who does it.
        hear: is told how far it is, often.

    Returns:
        What it came to; also written as `summary.json` and `report.html`.

    Raises:
        UsageError: there are results already and `resume` was not said, or they are of another wish.
        InputError: see `inputs`.
        ArtifactError, ConfigError: the model or how to use it is wrong.
        StorageError: something cannot be written; what was finished stays.
        EngineError: workers cannot work.
    """
    store = Store(wish.place)
    with store.alone():
        plan = _plan(store, wish, hear)
        began = time.monotonic()
        total, finished = _finished(store, plan)
        before = total.inputs
        lost: list[int] = []
        hear(Progress(done=before, count=plan.count))
        open_ = (part for part in range(plan.parts) if part not in finished)
        for one in engine.map(Scoring(_address(store)), open_):
            if isinstance(one, Done):
                total += one.result
                fresh = total.inputs - before
                hear(Progress(None, total.inputs, plan.count, fresh, time.monotonic() - began))
            else:
                lost.append(one.task)
        rates = known_rates(_card(store), plan.judging.operating_point, plan.judging.threshold)
        took_s = time.monotonic() - began
        summary = Summary(plan, total, total.inputs - before, took_s, tuple(sorted(lost)), rates)
        store.write("summary.json", (json.dumps(summary_json(summary), indent=2) + "\n").encode())
        store.write("report.html", write_report(summary).encode())
        return summary


def _plan(store: Store, wish: Wish, hear: Callable[[Progress], None]) -> Plan:
    plan = read_plan(store)
    if plan is None:
        if store.names("rows"):
            raise UsageError(f"{wish.place}: there are rows and no plan; name another folder")
        _check(wish)
        found = inputs(wish.sources)
        return make_plan(
            store, wish.sources, found, wish.model, wish.judging, wish.part_rows, lambda n: hear(Progress(found=n))
        )
    if not wish.resume:
        raise UsageError(
            f"{wish.place}: results of an earlier run are there and stay untouched; go on with them by --resume, or "
            "name another folder"
        )
    for what, now, then in (
        ("other pictures", wish.sources, plan.sources),
        ("another model", wish.model, plan.model),
        ("other options", wish.judging, plan.judging),
    ):
        if now != then:
            raise UsageError(
                f"{wish.place}: was begun with {what}: then {_words(then)}, now {_words(now)}; name what was named "
                "then, or another folder"
            )
    return plan


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check(wish: Wish) -> None:
    if wish.part_rows < 1:
        raise UsageError(f"part_rows: {wish.part_rows} is below 1")
    if not wish.sources:
        raise InputError("there is nothing to look at; name pictures, folders, a manifest or Parquet files")


def _finished(store: Store, plan: Plan) -> tuple[Counts, frozenset[int]]:
    """What is done already; a file that is damaged is done again."""
    total, finished = Counts(), set[int]()
    names = set(store.names("rows"))
    for part in range(plan.parts) if names else ():
        name = part_name(part)
        if name.rsplit("/", 1)[1] not in names:
            continue
        counted = done_counts(store, plan, part)
        if counted is not None:
            total += counted
            finished.add(part)
    return total, frozenset(finished)


def _card(store: Store) -> ModelCard:
    with model_folder(store) as folder:
        return read_card(folder)


def _address(store: Store) -> str:
    """As workers find it, whatever folder they work in."""
    return str(store.folder) if store.folder else store.place
