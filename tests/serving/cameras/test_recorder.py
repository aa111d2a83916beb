from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError

from maskwise.errors import StorageError
from maskwise.serving.cameras.recorder import TRIES, Recorder
from maskwise.serving.store.recording import Batch
from tests.stream.footage import patiently


class Store:
    """Writes to a list; can be away, and can choke on one stream's batches."""

    def __init__(self) -> None:
        self.written: list[Batch] = []
        self.told: list[Mapping[str, Any]] = []
        self.away: Exception | None = None
        self.poison = 0
        self.tried = 0
        self.slow = threading.Event()
        self.slow.set()

    def record(self, batch: Batch) -> list[dict[str, Any]]:
        self.tried += 1
        self.slow.wait(10)
        if self.away:
            raise self.away
        if batch.stream_id == self.poison:
            raise KeyError("poison")
        self.written.append(batch)
        return [{"id": len(self.written), "stream_id": batch.stream_id}]

    def announce(self, event: Mapping[str, Any]) -> None:
        assert len(self.written) >= event["id"], "announced before it was written"
        self.told.append(event)


@contextmanager
def recording(store: Store, most: int = 100, seconds: float = 5.0) -> Iterator[Recorder]:
    recorder = Recorder(store.record, store.announce, most)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close(seconds)


def batch(number: int, stream: int = 1) -> Batch:
    return Batch(stream, "door", float(number))


def runs(store: Store) -> list[float]:
    return [one.run for one in store.written]


def test_all_of_it_in_order_and_announced_when_written() -> None:
    store = Store()
    with recording(store) as recorder:
        for i in range(50):
            assert not recorder.hand_over(batch(i))
    assert runs(store) == list(range(50))
    assert [event["id"] for event in store.told] == list(range(1, 51))


def test_while_the_database_is_away_it_waits_and_nothing_is_lost() -> None:
    for error in (StorageError("disk full"), OperationalError("x", None, Exception("gone"))):
        store = Store()
        store.away = error
        with recording(store) as recorder:
            for i in range(5):
                recorder.hand_over(batch(i))
            assert patiently(lambda: recorder.away and store.tried > 2)  # noqa: B023
            assert store.told == []
            store.away = None
            assert patiently(lambda: len(store.told) == 5)  # noqa: B023
            assert not recorder.away
        assert runs(store) == list(range(5))
        assert recorder.lost == 0


def test_when_too_many_wait_the_stream_waits_too() -> None:
    store = Store()
    store.away = StorageError("away")
    waited = threading.Event()
    with recording(store, most=3) as recorder:
        for i in range(3):
            assert not recorder.hand_over(batch(i))
        thread = threading.Thread(target=recorder.hand_over, args=(batch(3), waited.set))
        thread.start()
        assert waited.wait(5)
        assert thread.is_alive()
        store.away = None
        thread.join(10)
        assert not thread.is_alive()
    assert runs(store) == list(range(4))


def test_one_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    store = Store()
    store.poison = 7
    with recording(store) as recorder:
        recorder.hand_over(batch(0))
        recorder.hand_over(batch(1, stream=7))
        recorder.hand_over(batch(2))
        assert patiently(lambda: len(store.written) == 2)
    assert (runs(store), recorder.lost, store.tried) == ([0.0, 2.0], 1, 2 + TRIES)


def test_closing_writes_what_waits() -> None:
    store = Store()
    store.slow.clear()
    with recording(store) as recorder:
        for i in range(20):
            recorder.hand_over(batch(i))
        threading.Timer(0.2, store.slow.set).start()
    assert (len(store.written), recorder.lost) == (20, 0)


def test_closing_does_not_wait_for_ever_and_says_what_is_lost() -> None:
    store = Store()
    store.away = StorageError("away")
    with recording(store, most=3, seconds=0.5) as recorder:
        for i in range(3):
            recorder.hand_over(batch(i))
        stuck = threading.Thread(target=recorder.hand_over, args=(batch(3),))
        stuck.start()
    stuck.join(5)
    assert not stuck.is_alive()
    assert recorder.lost >= 3
    assert store.written == []
