from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from maskwise.serving.store import outbox, targets
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import EventRow, MessageRow
from tests.serving.store.events import add_target, event_row, write


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def count(database: Database, table: type[MessageRow] | type[EventRow]) -> int:
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def due(database: Database) -> list[outbox.Due]:
    with database.begin() as session:
        return outbox.due(session)


def test_each_target_is_told_of_its_kinds(database: Database) -> None:
    guard = add_target(database, "json://a", "guard", ("violated",))
    desk = add_target(database, "json://b", "desk", ("violated", "complied"))
    kinds = ("violated", "complied", "appeared")
    assert write(database, [event_row(i, kind) for i, kind in enumerate(kinds)], 5.0, ("hall", "door")) == 3
    found = {one.target_id: one for one in due(database)}
    assert (found[guard].count, found[desk].count) == (1, 2)
    assert (found[guard].address, found[guard].last_s) == ("json://a", None)
    event = found[desk].event
    assert (event.kind, event.source, event.person, event.zones) == ("complied", "door 1", 1, ("door", "hall"))


def test_nobody_is_told_where_there_is_nobody(database: Database) -> None:
    assert write(database, [event_row()], 0.0) == 0
    assert (count(database, EventRow), count(database, MessageRow)) == (1, 0)


def test_an_event_that_is_not_kept_is_not_told(database: Database) -> None:
    add_target(database, "json://a")

    def fails() -> None:
        with database.begin() as session:
            row = event_row()
            session.add(row)
            outbox.add(session, [row])
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        fails()
    assert (count(database, EventRow), count(database, MessageRow)) == (0, 0)


def test_streams_wait_apart_and_what_was_sent_waits_no_more(database: Database) -> None:
    add_target(database, "json://a")
    write(database, [event_row(1, stream_id=1), event_row(2, stream_id=2), event_row(3, stream_id=1)], 0.0)
    first, second = due(database)
    assert [(one.stream_id, one.count, one.event.person) for one in (first, second)] == [(1, 2, 3), (2, 1, 2)]
    with database.begin() as session:
        outbox.sent(session, first, 10.0)
        outbox.tried(session, second)
    (left,) = due(database)
    assert (left.stream_id, left.tries) == (2, 1)
    write(database, [event_row(4, stream_id=1)], 20.0)
    again = due(database)[0]
    assert (again.stream_id, again.last_s, again.tries) == (1, 10.0, 0)


def test_what_is_old_is_given_up(database: Database) -> None:
    add_target(database, "json://a")
    write(database, [event_row(1)], 10.0)
    write(database, [event_row(2)], 20.0)
    with database.begin() as session:
        assert outbox.give_up(session, 15.0, 100.0) == 1
    with database.begin() as session:
        assert outbox.give_up(session, 15.0, 100.0) == 0
    (left,) = due(database)
    assert (left.event.person, left.count, left.last_s) == (2, 1, None)  # given up is not sent


def test_targets_can_be_left_out(database: Database) -> None:
    one, other = add_target(database, "json://a", "one"), add_target(database, "json://b", "other")
    write(database, [event_row()], 0.0)
    with database.read() as session:
        assert [found.target_id for found in outbox.due(session, {one})] == [other]
        assert outbox.due(session, {one, other}) == []


def test_what_comes_after_a_look_is_not_marked_with_it(database: Database) -> None:
    add_target(database, "json://a")
    write(database, [event_row(1)], 0.0)
    (first,) = due(database)
    write(database, [event_row(2)], 0.0)
    with database.begin() as session:
        outbox.sent(session, first, 10.0)
    (left,) = due(database)
    assert (left.event.person, left.count) == (2, 1)


def test_whoever_is_removed_takes_along_what_waits(database: Database) -> None:
    number = add_target(database, "json://a")
    write(database, [event_row()], 0.0)
    with database.begin() as session:
        assert targets.remove(session, number) is not None
    assert count(database, MessageRow) == 0
    assert count(database, EventRow) == 1


def test_two_targets_of_one_name(database: Database) -> None:
    add_target(database, "json://a", "guard")
    with pytest.raises(targets.NameTakenError):
        add_target(database, "json://b", "guard")
    with database.begin() as session:
        assert [row.address for row in targets.all_of(session)] == ["json://a"]
