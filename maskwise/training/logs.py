"""The curve of a run: history.csv and TensorBoard."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from maskwise.errors import StorageError
from maskwise.training.trainer import EpochRecord


def write_history(path: Path, records: Sequence[EpochRecord]) -> None:
    """One row for each epoch; written whole, so that a resumed run has no doubled rows.

    Raises:
        StorageError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(EpochRecord)])
            writer.writeheader()
            writer.writerows(record.to_json() for record in records)
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


class TensorBoard:
    """Scalars for `tensorboard --logdir RUN/tensorboard`; earlier epochs are written again when a run resumes."""

    def __init__(self, folder: Path, records: Sequence[EpochRecord]) -> None:
        """records: the epochs of the run so far; what a killed run wrote half is dropped."""
        shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(str(folder))
        for record in records:
            self.add(record)

    def add(self, record: EpochRecord) -> None:
        """Write one epoch."""
        for part in ("train", "validation"):
            for figure in ("loss", "accuracy"):
                value = getattr(record, f"{part}_{figure}")
                if value is not None:
                    self._writer.add_scalar(f"{figure}/{part}", value, record.epoch + 1)
        self._writer.add_scalar("lr", record.lr, record.epoch + 1)
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
