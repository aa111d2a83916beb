"""How masks are worn over time."""

from __future__ import annotations

import time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from maskwise.errors import InputError
from maskwise.serving.api import tables
from maskwise.serving.api.parameters import NAME, Asked, Moment, StreamNumber, ZoneName
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import PROBLEMS, Problem
from maskwise.serving.service import Parts, Service
from maskwise.serving.store import retention, statistics
from maskwise.serving.store.buckets import DAY_S, By
from maskwise.serving.store.counting import Group

router = APIRouter(prefix="/v1", tags=["statistics"], responses=PROBLEMS)

DATE_TIME: JsonDict = {"format": "date-time"}


class FigureJson(BaseModel):
    """A share or a rate with its 95 % interval; null where it rests on nothing."""

    value: float | None
    low: float | None
    high: float | None
    n: int = Field(description="How many persons, or events, it rests on.")


class PersonsJson(BaseModel):
    """Persons by the verdict they held longest."""

    masked: int
    incorrect: int
    unmasked: int
    uncertain: int


class SecondsJson(BaseModel):
    """For how long persons held each verdict."""

    masked: float
    incorrect: float
    unmasked: float
    uncertain: float


class BucketJson(BaseModel):
    """What was counted in a time."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: str = Field(alias="from", json_schema_extra=DATE_TIME)
    to: str = Field(json_schema_extra=DATE_TIME)
    stream_id: int | None
    stream: str | None
    zone: str | None
    persons: PersonsJson = Field(description="Each counts once, when out of sight again.")
    compliance: FigureJson = Field(description="Masked among masked, incorrect and unmasked persons.")
    person_seconds: SecondsJson
    violations: int
    watched_hours: float
    violations_per_hour: FigureJson = Field(description="Per hour that a stream was watched.")


class StatisticsJson(BaseModel):
    """Buckets, and all of them together."""

    since: str = Field(json_schema_extra=DATE_TIME)
    until: str = Field(json_schema_extra=DATE_TIME)
    by: By
    timezone: str
    buckets: list[BucketJson]
    total: BucketJson
    retention_days: int = Field(description="What is older is deleted.")


class Question(Asked):
    """What is to be counted."""

    since: Moment | None = Field(None, description="From this moment; a day before `until` if not given.")
    until: Moment | None = Field(None, description="Before this moment; now if not given.")
    by: By = Field("hour", description="How long a bucket is, by the clock of `timezone`.")
    timezone: str = Field("UTC", min_length=1, max_length=64, pattern=NAME, description="As `Europe/Zurich`.")
    stream: StreamNumber | None = Field(None, description="The number of a stream: only there.")
    zone: ZoneName | None = Field(None, description="Only in zones of this name.")
    group: Group = Field("none", description="Buckets apart for each stream or zone.")

    def at(self, now_s: float) -> statistics.Question:
        """As the store has it."""
        until_s = now_s if self.until is None else self.until.timestamp()
        since_s = until_s - DAY_S if self.since is None else self.since.timestamp()
        return statistics.Question(since_s, until_s, self.by, _zone(self.timezone), self.stream, self.zone, self.group)


@router.get("/statistics")
def counted(asked: Annotated[Question, Query()], parts: Parts, _: Viewer) -> StatisticsJson:
    """Persons, shares and violations, by hour or day, stream or zone."""
    return StatisticsJson(**_count(asked, parts))


@router.get("/statistics.csv", response_class=StreamingResponse, responses=tables.CSV)
def table(asked: Annotated[Question, Query()], parts: Parts, caller: Viewer) -> StreamingResponse:
    """The buckets as a table."""
    rows = [_flat(bucket) for bucket in _count(asked, parts)["buckets"]]
    parts.audit.add("export", {"by": caller.name, "what": "statistics"})
    return tables.answer("maskwise-statistics.csv", COLUMNS, rows)


def _count(asked: Question, parts: Service) -> dict[str, Any]:
    now_s = time.time()
    question = asked.at(now_s)
    try:
        with parts.database.read() as session:
            return {
                **statistics.count(session, question, now_s),
                "retention_days": retention.days(session),
            }
    except InputError as error:
        raise Problem(422, str(error)) from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(422, f"timezone: {name!r} is not known; write it as Europe/Zurich or UTC") from error


def _flat(bucket: dict[str, Any]) -> dict[str, Any]:
    """Members of members, with the names of both."""
    flat: dict[str, Any] = {}
    for name, value in bucket.items():
        flat |= {f"{name}_{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _names(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


COLUMNS = [
    *("from", "to", "stream_id", "stream", "zone"),
    *(f"persons_{name}" for name in _names(PersonsJson)),
    *(f"compliance_{name}" for name in _names(FigureJson)),
    *(f"person_seconds_{name}" for name in _names(SecondsJson)),
    *("violations", "watched_hours"),
    *(f"violations_per_hour_{name}" for name in _names(FigureJson)),
]
