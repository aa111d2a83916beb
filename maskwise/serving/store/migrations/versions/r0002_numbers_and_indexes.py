"""Alarms can be given up, SQLite gives no number twice, and what is asked for often is found without a search.

A stream that is made after another was removed must not get its number: it would get its events too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBERED = ("streams", "events", "targets", "tokens")
"""Tables whose numbers others keep: event's streams, cursors, open pages."""


def upgrade() -> None:
    """Change the tables, with what is in them."""
    _messages()
    op.drop_index("ix_events_stream_id", "events")
    op.drop_index("ix_visits_stream_id", "visits")
    op.drop_index("ix_visits_ended_s", "visits")
    if op.get_bind().dialect.name == "sqlite":
        for table in NUMBERED:
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
                pass
        _number_on()
    op.create_index("events_of_stream", "events", ["stream_id", "at_s", "id"])
    op.create_index("events_of_kind", "events", ["kind", "at_s", "id"])
    op.create_index("event_zones_by_zone", "event_zones", ["zone", "event_id"])
    op.create_index("visits_by_time", "visits", ["ended_s", "stream_id"])
    op.create_index("visit_zones_by_zone", "visit_zones", ["zone", "visit_id"])


def _messages() -> None:
    op.add_column("messages", sa.Column("given_up", sa.Boolean, nullable=False, server_default=sa.false()))
    with op.batch_alter_table("messages") as batch:
        batch.alter_column("given_up", server_default=None)


def _number_on() -> None:
    """Streams that were removed have left events and visits: their numbers are taken."""
    taken = "SELECT max(n) FROM (SELECT max(id) n FROM streams UNION SELECT max(stream_id) FROM events"
    taken += " UNION SELECT max(stream_id) FROM visits UNION SELECT max(stream_id) FROM watched)"
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'streams'")
    op.execute(f"INSERT INTO sqlite_sequence (name, seq) SELECT 'streams', coalesce(({taken}), 0)")
