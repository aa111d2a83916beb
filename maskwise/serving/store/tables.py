"""The tables. Moments are seconds since 1970 (UTC), as floats: both databases order, compare and divide them alike."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NUMBERED: dict[str, Any] = {"sqlite_autoincrement": True}
"""No number is given twice, even if its row is gone: others may have kept it. PostgreSQL does so anyway."""


class Table(DeclarativeBase):
    """Root of all tables; whoever changes one adds a revision to `migrations`."""

    type_annotation_map: ClassVar = {float: Double}


class StreamRow(Table):
    """A stream that is to be watched.

    source: as it was given; may hold a password, so it never leaves the service.
    how: what else was chosen, see `maskwise.serving.cameras`.
    paused: not to be watched now.
    """

    __tablename__ = "streams"
    __table_args__ = NUMBERED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    source: Mapped[str] = mapped_column(Text)
    how: Mapped[dict[str, Any]] = mapped_column(JSON)
    paused: Mapped[bool] = mapped_column(default=False)
    created_s: Mapped[float]


class EventRow(Table):
    """Something that happened to one person.

    stream_id, stream: the number and name of its stream, kept when the stream is removed.
    run: when the stream was last begun; a person's number means nothing beyond it.
    at_s: when; time_s: seconds since the run began.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("events_by_time", "at_s", "id"),
        Index("events_of_stream", "stream_id", "at_s", "id"),
        Index("events_of_kind", "kind", "at_s", "id"),
        NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int]
    stream: Mapped[str] = mapped_column(String(100))
    run: Mapped[float]
    at_s: Mapped[float]
    time_s: Mapped[float]
    kind: Mapped[str] = mapped_column(String(20))
    person: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(20))
    was: Mapped[str | None] = mapped_column(String(20))
    line: Mapped[str | None] = mapped_column(String(100))
    way: Mapped[str | None] = mapped_column(String(20))
    seconds: Mapped[float | None]


class EventZoneRow(Table):
    """A zone in which an event happened."""

    __tablename__ = "event_zones"
    __table_args__ = (Index("event_zones_by_zone", "zone", "event_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(100), primary_key=True)


class VisitRow(Table):
    """One person's time in sight of one stream; written when it is over.

    verdict: the one held longest, `uncertain` only where there was no other.
    masked_s, incorrect_s, unmasked_s, uncertain_s: how long each was held.
    """

    __tablename__ = "visits"
    __table_args__ = (Index("visits_by_time", "ended_s", "stream_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int]
    stream: Mapped[str] = mapped_column(String(100))
    began_s: Mapped[float]
    ended_s: Mapped[float]
    verdict: Mapped[str] = mapped_column(String(20))
    masked_s: Mapped[float]
    incorrect_s: Mapped[float]
    unmasked_s: Mapped[float]
    uncertain_s: Mapped[float]


class VisitZoneRow(Table):
    """A zone in which somebody was."""

    __tablename__ = "visit_zones"
    __table_args__ = (Index("visit_zones_by_zone", "zone", "visit_id"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(100), primary_key=True)


class WatchedRow(Table):
    """For how much of an hour a stream was really watched: what a rate of alarms is a rate of."""

    __tablename__ = "watched"

    stream_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(String(100))
    seconds: Mapped[float]


class TargetRow(Table):
    """Who is told of alarms.

    address: as Apprise has them; may hold a password, so it never leaves the service.
    kinds: of events that are told.
    """

    __tablename__ = "targets"
    __table_args__ = NUMBERED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    address: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[str]] = mapped_column(JSON)
    created_s: Mapped[float]


class MessageRow(Table):
    """An alarm that is to be sent: written together with its event, so that neither is without the other.

    sent_s: when it was, or was given up; None: it waits. tries: how often it was tried.
    given_up: it was never sent, and is not to be any more.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), index=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id", ondelete="CASCADE"), index=True)
    created_s: Mapped[float]
    sent_s: Mapped[float | None] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    given_up: Mapped[bool] = mapped_column(default=False)


class TokenRow(Table):
    """A token, of which only the hash is known here."""

    __tablename__ = "tokens"
    __table_args__ = NUMBERED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_s: Mapped[float]
    used_s: Mapped[float | None]
    expires_s: Mapped[float | None]


class SessionRow(Table):
    """A browser that is signed in; ends with its token."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_s: Mapped[float]
    expires_s: Mapped[float] = mapped_column(index=True)


class SettingRow(Table):
    """A choice made on the page: how long things are kept, the operating point, quiet hours."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
