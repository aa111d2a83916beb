"""What happened to people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from maskwise.errors import InputError
from maskwise.serving.api import tables
from maskwise.serving.api.parameters import Asked, Moment, StreamNumber, Verdict, ZoneName, seconds_of
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import PROBLEMS, Problem
from maskwise.serving.service import Parts
from maskwise.serving.store import events
from maskwise.stream.following.events import Kind

router = APIRouter(prefix="/v1", tags=["events"], responses=PROBLEMS)


class EventJson(BaseModel):
    """Something that happened to one person."""

    id: int
    at: str = Field(json_schema_extra={"format": "date-time"})
    stream_id: int
    stream: str
    kind: Kind
    person: int = Field(description="The number of the track; it means nothing beyond one run of the stream.")
    verdict: Verdict
    was: Verdict | None = Field(description="The verdict before, of `changed`.")
    zones: list[str]
    line: str | None
    way: str | None
    seconds: float | None
    time_s: float = Field(description="Seconds since the stream was begun.")


class EventsJson(BaseModel):
    """A page of them."""

    events: list[EventJson] = Field(description="The newest first.")
    next: str | None = Field(description="Give it as `after` for those before; null: there are none.")


class Filters(Asked):
    """Which events."""

    stream: StreamNumber | None = Field(None, description="The number of their stream.")
    kind: list[Kind] = Field([], description="Of one of these kinds.")
    verdict: list[Verdict] = Field([], description="With one of these verdicts.")
    zone: ZoneName | None = Field(None, description="In this zone.")
    since: Moment | None = Field(None, description="From this moment.")
    until: Moment | None = Field(None, description="Before this moment.")

    @property
    def wanted(self) -> events.Wanted:
        """As the store has it."""
        since_s, until_s = seconds_of(self.since), seconds_of(self.until)
        return events.Wanted(self.stream, tuple(self.kind), tuple(self.verdict), self.zone, since_s, until_s)


class Paged(Filters):
    """Which of them, and how many at once."""

    limit: int = Field(100, ge=1, le=1000)
    after: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{16}$", description="What `next` of the page before said.")

    @property
    def cursor(self) -> events.Cursor | None:
        """Where the page begins."""
        try:
            return None if self.after is None else events.Cursor.parse(self.after)
        except InputError as error:
            raise Problem(422, f"after: {error}") from error


@router.get("/events")
def newest(asked: Annotated[Paged, Query()], parts: Parts, _: Viewer) -> EventsJson:
    """Events, the newest first."""
    cursor = asked.cursor
    with parts.database.read() as session:
        found, more = events.page(session, asked.wanted, asked.limit, cursor)
    return EventsJson(events=[EventJson(**event) for event in found], next=None if more is None else str(more))


@router.get("/events.csv", response_class=StreamingResponse, responses=tables.CSV)
def table(asked: Annotated[Filters, Query()], parts: Parts, caller: Viewer) -> StreamingResponse:
    """All events that match, as a table."""
    parts.audit.add("export", {"by": caller.name, "what": "events"})
    return tables.answer(
        "maskwise-events.csv", list(EventJson.model_fields), events.every(parts.database, asked.wanted)
    )
