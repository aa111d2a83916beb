"""A row for each picture, as Parquet; docs/reference/batch.md describes the columns.

What is said of a face is the one JSON of maskwise, names and rounding included.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskwise.batch.inputs import Input
from maskwise.values import CLASSES, FrameResult

FACE = pa.struct(
    [
        ("box_xyxy", pa.list_(pa.float64())),
        ("score", pa.float64()),
        ("verdict", pa.string()),
        ("confidence", pa.float64()),
        ("uncertain_because", pa.string()),
        ("probabilities", pa.struct([(name, pa.float64()) for name in CLASSES])),
    ]
)

SCHEMA = pa.schema(
    [
        ("input", pa.int64()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("faces", pa.list_(FACE)),
        ("decoded_at", pa.float64()),
        ("read_ms", pa.float64()),
        ("check_ms", pa.float64()),
        ("model_sha256", pa.string()),
    ]
)

OK, UNREADABLE = "ok", "error"
META = b"maskwise"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a part has come to; parts add up.

    inputs: rows.
    unreadable: of them, with an error.
    without_face: of them, looked at, and nobody was there.
    faces: in all.
    verdicts: of the faces.
    reduced: pictures that were not decoded in full.
    read_ms, check_ms: sums over the pictures.
    """

    inputs: int = 0
    unreadable: int = 0
    without_face: int = 0
    faces: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    reduced: int = 0
    read_ms: float = 0.0
    check_ms: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.inputs + other.inputs,
            self.unreadable + other.unreadable,
            self.without_face + other.without_face,
            self.faces + other.faces,
            dict(Counter(self.verdicts) + Counter(other.verdicts)),
            self.reduced + other.reduced,
            round(self.read_ms + other.read_ms, 3),
            round(self.check_ms + other.check_ms, 3),
        )


def row(
    number: int,
    one: Input,
    result: FrameResult,
    model_sha256: str,
    *,
    decoded_at: float = 1.0,
    read_ms: float = 0.0,
    check_ms: float = 0.0,
) -> Row:
    """What is stored of one picture.

    Args:
        number: of the input, from 0.
        one: what was named.
        result: what is said of it.
        model_sha256: of the network that judged.
        decoded_at: its size as it was looked at, as a share of its own.
        read_ms: until it was decoded.
        check_ms: until it was judged.
    """
    said = result.to_json()
    return {
        "input": number,
        "path": one.path,
        "row": one.row,
        "status": UNREADABLE if result.error else OK,
        "error": result.error,
        "width": result.width,
        "height": result.height,
        "faces": said["faces"],
        "decoded_at": decoded_at,
        "read_ms": round(read_ms, 3),
        "check_ms": round(check_ms, 3),
        "model_sha256": model_sha256,
    }


def counts(rows: Sequence[Row]) -> Counts:
    """Add up."""
    return Counts(
        len(rows),
        sum(one["status"] != OK for one in rows),
        sum(one["status"] == OK and not one["faces"] for one in rows),
        sum(len(one["faces"]) for one in rows),
        dict(Counter(face["verdict"] for one in rows for face in one["faces"])),
        sum(one["decoded_at"] < 1 for one in rows),
        round(sum(one["read_ms"] for one in rows), 3),
        round(sum(one["check_ms"] for one in rows), 3),
    )


def to_parquet(rows: Sequence[Row], plan_id: str) -> tuple[bytes, Counts]:
    """The file of a part; its footer says what is in it, so that nobody has to read it to know."""
    added = counts(rows)
    about = json.dumps({"plan": plan_id, "counts": asdict(added)}).encode()
    table = pa.Table.from_pylist(list(rows), SCHEMA.with_metadata({META: about}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue(), added


def read_counts(file: IO[bytes], plan_id: str, expected: int) -> Counts | None:
    """What a part has come to, from the footer of its file.

    Returns:
        None: the file is damaged, or of another plan, or has another number of rows.
    """
    try:
        metadata = pq.read_metadata(file)
        about = json.loads(metadata.metadata[META])
        if about["plan"] != plan_id or metadata.num_rows != expected:
            return None
        return Counts(**about["counts"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return None


def part_name(part: int) -> str:
    """Of its file."""
    return f"rows/part-{part:06d}.parquet"
