"""What a person sees while training goes on: a bar with loss and accuracy, and a line for each finished epoch."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from maskwise.cli.console import err, say
from maskwise.training.listener import Listener
from maskwise.training.trainer import EpochRecord


class LiveTraining:
    """A listener that draws; use as a context."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=err, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._epoch = 1
        self.listener = Listener(say=say, progress=self._progress, step=self._step, epoch=self._finished)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def _progress(self, what: str, done: int, total: int, figures: str = "") -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total, figures=figures)
        self._bar.update(self._tasks[what], completed=done, total=total, figures=figures)
        if done >= total:
            self._bar.remove_task(self._tasks.pop(what))

    def _step(self, done: int, total: int, loss: float, accuracy: float) -> None:
        self._progress(f"epoch {self._epoch}", done, total, f"loss {loss:.4f}  accuracy {accuracy:.3f}")

    def _finished(self, record: EpochRecord, epochs: int) -> None:
        self._epoch = record.epoch + 2
        busy = 1 - record.waited_s / max(record.seconds, 1e-9)
        validation = ""
        if record.validation_loss is not None and record.validation_accuracy is not None:
            validation = f"  validation loss {record.validation_loss:.4f} accuracy {record.validation_accuracy:.4f}"
        say(
            f"epoch {record.epoch + 1}/{epochs}"
            f"  train loss {record.train_loss:.4f} accuracy {record.train_accuracy:.4f}"
            f"{validation}  {record.seconds:.0f} s, {busy:.0%} busy"
        )
