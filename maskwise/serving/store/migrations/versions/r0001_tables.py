"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    _streams()
    _events()
    _visits()
    _alarms()
    _callers()


def _streams() -> None:
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("how", sa.JSON, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
    )
    op.create_table(
        "watched",
        sa.Column("stream_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hour_s", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.String(100), nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream_id", sa.Integer, nullable=False, index=True),
        sa.Column("stream", sa.String(100), nullable=False),
        sa.Column("run", sa.Double, nullable=False),
        sa.Column("at_s", sa.Double, nullable=False),
        sa.Column("time_s", sa.Double, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("was", sa.String(20)),
        sa.Column("line", sa.String(100)),
        sa.Column("way", sa.String(20)),
        sa.Column("seconds", sa.Double),
    )
    op.create_index("events_by_time", "events", ["at_s", "id"])
    op.create_table(
        "event_zones",
        sa.Column("event_id", sa.Integer, sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("zone", sa.String(100), primary_key=True),
    )


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream_id", sa.Integer, nullable=False, index=True),
        sa.Column("stream", sa.String(100), nullable=False),
        sa.Column("began_s", sa.Double, nullable=False),
        sa.Column("ended_s", sa.Double, nullable=False, index=True),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("masked_s", sa.Double, nullable=False),
        sa.Column("incorrect_s", sa.Double, nullable=False),
        sa.Column("unmasked_s", sa.Double, nullable=False),
        sa.Column("uncertain_s", sa.Double, nullable=False),
    )
    op.create_table(
        "visit_zones",
        sa.Column("visit_id", sa.Integer, sa.ForeignKey("visits.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("zone", sa.String(100), primary_key=True),
    )


def _alarms() -> None:
    op.create_table(
        "targets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.Integer, sa.ForeignKey("events.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("target_id", sa.Integer, sa.ForeignKey("targets.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("sent_s", sa.Double, index=True),
        sa.Column("tries", sa.Integer, nullable=False),
    )


def _callers() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("used_s", sa.Double),
        sa.Column("expires_s", sa.Double),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("token_id", sa.Integer, sa.ForeignKey("tokens.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double, nullable=False, index=True),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
