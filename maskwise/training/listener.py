"""Who hears how a run goes: the command line draws it, the library stays silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maskwise.training.trainer import EpochRecord, OnStep


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears how a run goes; nobody, unless told otherwise.

    say: a message. progress: what, done, total. step: see OnStep. epoch: a finished epoch and how many there will be.
    """

    say: Callable[[str], None] = lambda _: None
    progress: Callable[[str, int, int], None] = lambda *_: None
    step: OnStep = lambda *_: None
    epoch: Callable[[EpochRecord, int], None] = lambda *_: None
