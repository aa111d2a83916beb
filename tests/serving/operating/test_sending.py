from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from maskwise.errors import StorageError
from maskwise.model.artifact import folder_of, read_card
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.operating.sending import Sending
from maskwise.serving.store.choices import Choices
from maskwise.serving.store.database import Database
from tests.serving.operating.receiver import receiving
from tests.serving.store.events import add_target, event_row, write
from tests.stream.footage import patiently

CARD = read_card(folder_of("default"))
NOON_S = datetime(2026, 3, 4, 12).timestamp()


class Told:
    """A post office that says what it was given, and a clock that is set by hand."""

    def __init__(self, database: Database) -> None:
        self.choices, self.metrics = Choices(database, CARD), Metrics()
        self.texts: list[tuple[str, str]] = []
        self.arrives, self.now_s = True, NOON_S
        self.sending = Sending(database, self.choices, self.metrics, self._post, lambda: self.now_s)

    def _post(self, address: str, title: str, body: str) -> bool:
        self.texts.append((address, f"{title}: {body}"))
        return self.arrives

    def at(self, seconds: float) -> list[str]:
        """What is sent so many seconds after noon."""
        self.now_s, self.texts = NOON_S + seconds, []
        for thread in self.sending.look():
            thread.join()
        return [text for _, text in self.texts]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    yield database
    database.close()


@pytest.fixture
def told(database: Database) -> Told:
    return Told(database)


def test_what_is_held_back_in_the_pause_is_counted_in_the_next_message(database: Database, told: Told) -> None:
    add_target(database, "json://a")
    write(database, [event_row(1, at_s=NOON_S - 5)], NOON_S)
    (first,) = told.at(0)
    assert first == "maskwise: door 1: person 1 violated: unmasked for 4 s, 2026-03-04 11:59:55"
    write(database, [event_row(2), event_row(3), event_row(4, stream_id=2)], NOON_S + 10)
    (other,) = told.at(10)
    assert "door 2" in other
    assert told.at(59) == []
    (next_,) = told.at(60)
    assert "person 3" in next_
    assert "1 more since the last message" in next_
    assert told.at(500) == []


def test_every_target_has_its_own_pause(database: Database, told: Told) -> None:
    for name in ("a", "b"):
        add_target(database, f"json://{name}", name)
    write(database, [event_row()], NOON_S)
    told.at(0)
    assert sorted(address for address, _ in told.texts) == ["json://a", "json://b"]


def test_quiet_hours_hold_back_until_they_end(database: Database, told: Told) -> None:
    add_target(database, "json://a")
    told.choices.change({"quiet": ["11:30", "13:00"]})
    write(database, [event_row(1), event_row(2)], NOON_S)
    assert told.at(0) == told.at(3599) == []
    (text,) = told.at(3600)
    assert "1 more" in text


def test_what_does_not_arrive_is_tried_with_growing_waits_and_given_up_after_a_day(
    database: Database, told: Told
) -> None:
    add_target(database, "json://a")
    write(database, [event_row()], NOON_S)
    told.arrives = False
    due_s, wait_s, tries = 0, 5, 0
    while due_s <= 24 * 3600:
        assert due_s == 0 or told.at(due_s - 1) == []
        assert len(told.at(due_s)) == 1
        due_s, wait_s, tries = due_s + wait_s, min(2 * wait_s, 900), tries + 1
    told.at(due_s)
    assert told.texts == []
    told.arrives = True
    assert told.at(24 * 3600 + 9000) == []
    value = told.metrics.register.get_sample_value
    assert value("maskwise_alarms_total", {"outcome": "given_up"}) == 1
    assert value("maskwise_alarms_total", {"outcome": "failed"}) == tries


def test_one_that_does_not_answer_holds_up_no_other(database: Database, told: Told) -> None:
    add_target(database, "json://dead", "dead")
    add_target(database, "json://well", "well")
    write(database, [event_row()], NOON_S)
    post = told.sending._post
    told.sending._post = lambda address, *text: post(address, *text) and "dead" not in address
    told.at(0)
    assert sorted(address for address, _ in told.texts) == ["json://dead", "json://well"]
    told.at(5)
    assert [address for address, _ in told.texts] == ["json://dead"]


def test_one_that_is_slow_to_answer_holds_up_no_other(database: Database) -> None:
    with receiving() as slow, receiving() as well:
        slow.answers.clear()
        add_target(database, slow.address, "slow")
        add_target(database, well.address, "well")
        choices = Choices(database, CARD)
        choices.change({"pause_s": 0.0})
        with Sending(database, choices, Metrics(), now_s=lambda: NOON_S):
            write(database, [event_row(1)], NOON_S)
            assert slow.came.wait(20)
            for person in (2, 3):
                assert patiently(lambda: len(well.messages) == person - 1)  # noqa: B023
                write(database, [event_row(person)], NOON_S)
            assert patiently(lambda: len(well.messages) == 3)
            assert len(slow.messages) == 1  # one at a time, and none twice
            slow.answers.set()
            assert patiently(lambda: len(slow.messages) == 2)
        assert "1 more" in slow.messages[1]["message"]


def test_a_backlog_of_one_target_keeps_no_other_from_being_told(database: Database, told: Told) -> None:
    add_target(database, "json://dead", "dead")
    post = told.sending._post
    told.sending._post = lambda address, *text: post(address, *text) and "dead" not in address
    write(database, [event_row(i) for i in range(12_000)], NOON_S)
    told.at(0)
    add_target(database, "json://well", "well")
    write(database, [event_row(1)], NOON_S)
    (text,) = told.at(1)
    assert "more" not in text
    told.sending._post = post
    (text,) = told.at(5)
    assert "12000 more" in text
    assert told.at(100) == []


def test_a_clock_that_is_set_back_stops_no_alarm(database: Database, told: Told) -> None:
    add_target(database, "json://a")
    write(database, [event_row(1)], NOON_S)
    assert len(told.at(0)) == 1
    write(database, [event_row(2)], NOON_S)
    assert len(told.at(-7200)) == 1
    told.arrives = False
    write(database, [event_row(3)], NOON_S)
    assert len(told.at(0)) == 1
    assert len(told.at(-9000)) == 1


def test_a_disk_that_is_full_does_not_make_it_a_message_a_second(database: Database, told: Told) -> None:
    """It can be read that something is due, and not be written that it was sent."""
    add_target(database, "json://a")
    write(database, [event_row()], NOON_S)
    begin, full = database.begin, True

    @contextmanager
    def filling() -> Iterator[Any]:
        with begin() as session:
            yield session
            if full and told.texts:
                raise StorageError("the disk is full")

    database.begin = filling  # type: ignore[method-assign]
    assert len(told.at(0)) == 1
    assert told.at(1) == told.at(600) == []
    full = False
    assert len(told.at(901)) == 1
    assert told.at(2000) == []


def test_a_message_arrives_over_http(database: Database) -> None:
    with receiving() as receiver:
        add_target(database, receiver.address)
        write(database, [event_row()], NOON_S, ("hall",))
        with Sending(database, Choices(database, CARD), Metrics(), now_s=lambda: NOON_S):
            assert receiver.came.wait(20)
        (message,) = receiver.messages
    assert message["title"] == "maskwise: door 1"
    assert "unmasked for 4 s in hall" in message["message"]


CHILD = """
import sys
from maskwise.model.artifact import folder_of, read_card
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.operating.sending import Sending
from maskwise.serving.store.choices import Choices
from maskwise.serving.store.database import Database

database = Database(sys.argv[1])
with Sending(database, Choices(database, read_card(folder_of("default"))), Metrics()):
    sys.stdin.read()
"""


def test_whatever_kills_the_process_each_alarm_arrives(database: Database, tmp_path: Path) -> None:
    """Killed after the message left and before it was marked: it is sent once more, not lost."""
    with receiving() as receiver:
        add_target(database, receiver.address)
        write(database, [event_row()], datetime.now().timestamp())
        receiver.answers.clear()
        child = subprocess.Popen([sys.executable, "-c", CHILD, f"sqlite:///{tmp_path / 'x.db'}"], stdin=subprocess.PIPE)
        try:
            assert receiver.came.wait(30)
        finally:
            child.kill()
            child.communicate()
        receiver.answers.set()
        assert len(receiver.messages) == 1
        sending = Sending(database, Choices(database, CARD), Metrics())
        for thread in sending.look():
            thread.join()
        assert len(receiver.messages) == 2
        assert receiver.messages[0]["message"] == receiver.messages[1]["message"]
        assert sending.look() == []


def test_a_database_that_is_away_for_a_while_does_not_stop_the_thread(database: Database) -> None:
    told = Told(database)
    add_target(database, "json://a")
    looks = iter([RuntimeError("away")])
    begin = database.begin

    def away() -> Any:
        for error in looks:
            raise error
        return begin()

    database.begin = away  # type: ignore[method-assign]
    with told.sending:
        patiently(lambda: told.sending._thread.is_alive() and next(looks, None) is None)
        database.begin = begin  # type: ignore[method-assign]
        write(database, [event_row()], NOON_S)
        assert patiently(lambda: bool(told.texts))
