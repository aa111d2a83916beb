"""history.csv: one row for each epoch of a run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwise.model.storage import written_whole


def write_history(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """One row for each epoch; written whole, so that a resumed run has no doubled rows.

    Raises:
        StorageError: the file cannot be written.
    """
    with written_whole(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def read_history(path: Path) -> list[dict[str, Any]]:
    """Rows of history.csv with numbers as numbers; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)]
