"""What is to be done, settled and stored before anything is: every input with its place, and everything that decides.

A plan is a folder: `plan.json`, the model, and the inputs as Parquet files, one row group for each part. It is what
resuming goes by, so neither pictures that were added meanwhile nor a model that was trained anew can mix two runs.
`plan.json` is written last: without it there is no plan.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from maskwise.batch.inputs import Input
from maskwise.data.store import Store
from maskwise.errors import ConfigError, StorageError
from maskwise.inference.checker import Checker, load
from maskwise.model.artifact import CARD_NAME, ONNX_NAME, folder_of, read_card
from maskwise.model.config import from_mapping

PLAN, MODEL = "plan/plan.json", "plan/model"
VERSION = 1

CHUNK_PARTS = 64
"""Parts whose inputs share a file."""

INPUT_SCHEMA = pa.schema([("path", pa.string()), ("row", pa.int64())])


@dataclass(frozen=True, slots=True)
class Judging:
    """How pictures are looked at; as `maskwise.load` has it.

    full: decode every picture in full, also where it is far larger than the detector looks at it.
    """

    faces: str = "detect"
    min_face_px: int = 40
    operating_point: str | None = None
    threshold: float | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    id: of this run, random.
    sources: as the user named them.
    base: the folder from which paths are seen.
    judging: how.
    model_sha256: of the network.
    model: as the user named it.
    labels: its classes.
    part_rows: inputs of a part; of the last, maybe fewer.
    count: of all inputs.
    version: of the form of this file.
    """

    id: str
    sources: tuple[str, ...]
    base: str
    judging: Judging
    model_sha256: str
    model: str
    labels: tuple[str, ...]
    part_rows: int
    count: int
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise ConfigError(f"plan: version {self.version} is not {VERSION}; resume with the maskwise that began it")

    @property
    def parts(self) -> int:
        """How many."""
        return -(-self.count // self.part_rows)

    def rows_of(self, part: int) -> int:
        """How many inputs a part has."""
        return min(self.part_rows, self.count - part * self.part_rows)


def make_plan(
    store: Store,
    sources: tuple[str, ...],
    found: Iterable[Input],
    named: str,
    judging: Judging,
    part_rows: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Plan:
    """Write down what is to be done.

    Args:
        store: where to; what is left of a plan that was never finished is overwritten.
        sources: as the user named them.
        found: every input, in order.
        named: folder of the artifact, or `default`; it is copied.
        judging: how.
        part_rows: inputs of a part, at least 1.
        progress: is told how many inputs were found so far.

    Raises:
        ArtifactError, ConfigError: the model or how to use it is wrong.
        InputError: see `inputs`.
        StorageError: it cannot be written.
    """
    model = folder_of(named)
    card = read_card(model)
    check(model, judging)
    for name in (CARD_NAME, *card.files):
        store.write(f"{MODEL}/{name}", (model / name).read_bytes())
    count = 0
    coming = iter(found)
    chunk = 0
    while True:
        buffer, size = io.BytesIO(), 0
        with pq.ParquetWriter(buffer, INPUT_SCHEMA, compression="zstd") as writer:
            for _ in range(CHUNK_PARTS):
                part = list(islice(coming, part_rows))
                if part:
                    columns = [[one.path for one in part], [one.row for one in part]]
                    writer.write_table(pa.table(columns, schema=INPUT_SCHEMA), row_group_size=part_rows)
                    size += len(part)
                    progress(count + size)
                if len(part) < part_rows:
                    break
        if size:
            store.write(_chunk_name(chunk), buffer.getvalue())
        count, chunk = count + size, chunk + 1
        if size < CHUNK_PARTS * part_rows:
            break
    plan = Plan(
        uuid.uuid4().hex[:16],
        sources,
        str(Path.cwd()),
        judging,
        card.files[ONNX_NAME],
        named,
        card.labels,
        part_rows,
        count,
    )
    store.write(PLAN, (json.dumps(asdict(plan), indent=2) + "\n").encode())
    return plan


def read_plan(store: Store) -> Plan | None:
    """The plan of an earlier run; None if there is none.

    Raises:
        StorageError: it cannot be read.
    """
    content = store.read(PLAN)
    if content is None:
        return None
    try:
        return from_mapping(Plan, "", json.loads(content))
    except (ValueError, ConfigError) as error:
        raise StorageError(f"{store.place}: {PLAN} cannot be used ({error}); name another folder") from error


def part_inputs(store: Store, plan: Plan, part: int) -> list[Input]:
    """The inputs of a part.

    Raises:
        StorageError: the plan is damaged.
    """
    chunk, group = divmod(part, CHUNK_PARTS)
    try:
        table = _chunk(store, plan.id, chunk).read_row_group(group)
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{store.place}: {_chunk_name(chunk)} is damaged ({error}); begin anew elsewhere") from error
    return [Input(path, row) for path, row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


@lru_cache(2)
def _chunk(store: Store, plan_id: str, chunk: int) -> pq.ParquetFile:  # noqa: ARG001 - part of the key
    content = store.read(_chunk_name(chunk))
    if content is None:
        raise StorageError(f"{store.place}: {_chunk_name(chunk)} is missing; begin anew elsewhere")
    return pq.ParquetFile(io.BytesIO(content))


def _chunk_name(chunk: int) -> str:
    return f"plan/inputs-{chunk:06d}.parquet"


def check(model: Path, judging: Judging, threads: int = 1) -> Checker:
    """Load a model to judge so.

    Raises:
        ArtifactError, ConfigError: see `maskwise.load`.
    """
    return load(
        model,
        faces=judging.faces,  # type: ignore[arg-type]  # load checks it
        operating_point=judging.operating_point,
        threshold=judging.threshold,
        threads=threads,
        min_face_px=judging.min_face_px,
    )
