"""Work side by side: each step of a chain in a thread of its own, with a few items between two steps.

    frames = background(video)
    looked = background(map(look, frames))
    for result in background(map(draw, looked)):
        write(result)

Decoding, detecting, classifying and encoding run in C++ and let other threads work meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

DEPTH = 3
"""Items that may wait between two steps; bounds memory, and how far a fast step runs ahead."""

_PATIENCE_S = 0.1


class _Raised:
    """An error on its way from the thread to whoever reads."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def background(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """The same items in the same order, made in a thread that runs up to `depth` items ahead.

    An error in the thread is raised here, after the items before it. However the reader stops (an error, `close`, or
    being forgotten), the thread ends before its next item, and closes the items if they can be closed.

    Args:
        items: anything to iterate over; used by the thread alone.
        depth: at least 1.
    """
    between: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()

    def hand_over(item: object) -> bool:
        while not stopped.is_set():
            try:
                between.put(item, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        last: object = _END
        try:
            for item in items:
                if not hand_over(item):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where the items are read
            last = _Raised(error)
        finally:
            _close(items)
            hand_over(last)

    thread = threading.Thread(target=work, name="background", daemon=True)
    thread.start()
    try:
        yield from _taken(between)
    finally:
        stopped.set()
        thread.join()


def _taken(between: queue.Queue[object]) -> Iterator[T]:
    while (item := between.get()) is not _END:
        if isinstance(item, _Raised):
            raise item.error
        yield item  # type: ignore[misc]  # what was put there is a T


def _close(items: object) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        close()
