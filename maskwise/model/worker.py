"""A process that looks at pictures as one of many, each on a core of its own."""

from __future__ import annotations

import cv2

from maskwise.model.memory import keep_freed


def one_of_many() -> None:
    """Let this process keep to one core, and keep its memory; its networks have to be made with one thread, too."""
    cv2.setNumThreads(1)
    keep_freed()


def not_survived(path: str, why: str) -> str:
    """What is told of a picture that no worker lived to finish."""
    return f"{path}: looking at it was not survived ({why}); look at the picture, and at the memory"
