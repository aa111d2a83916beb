"""Memory that is given back by one picture and taken by the next, without the system in between."""

from __future__ import annotations

LARGE = 31 << 20
"""Bytes; the largest block that glibc (malloc/malloc.c, DEFAULT_MMAP_THRESHOLD_MAX) will come to keep."""


def keep_freed() -> None:
    """Let this process keep the memory of a picture for the next one.

    The C library asks the system for each large block, and gives it back, until a larger one was freed once: from then
    on it keeps what is smaller. A fresh process pays two thirds of the time for decoding to the system, which clears
    every page of every picture. So one large block is freed here; where the C library is another, nothing happens.
    """
    bytearray(LARGE)
