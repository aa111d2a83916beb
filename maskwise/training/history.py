"""history.csv: one row for each epoch of a run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwise.errors import StorageError


def write_history(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """One row for each epoch; written whole, so that a resumed run has no doubled rows.

    Raises:
        StorageError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def read_history(path: Path) -> list[dict[str, Any]]:
    """Rows of history.csv with numbers as numbers; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)]
