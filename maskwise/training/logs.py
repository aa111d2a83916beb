"""The curve of a run, for TensorBoard."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from maskwise.training.trainer import EpochRecord


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
