"""`/v1/streams`: what is watched, and how."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from maskwise.errors import ConfigError
from maskwise.serving.cameras.cameras import Cameras
from maskwise.serving.cameras.doors import LONGEST_SOURCE
from maskwise.serving.cameras.how import LONGEST_NAME, LONGEST_S, MOST_CORNERS, MOST_LOOKS, MOST_PLACES, How
from maskwise.serving.cameras.pictures import WIDTHS
from maskwise.serving.cameras.state import Kind, State
from maskwise.serving.guard.callers import Admin, Caller, Viewer
from maskwise.serving.problems import PROBLEMS, Problem
from maskwise.serving.service import Parts
from maskwise.stream.outputs.blur import Blur

router = APIRouter(prefix="/v1/streams", tags=["streams"], responses=PROBLEMS)

StreamId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("no control characters, and no blanks around it")
    return text


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_printable)]
SourceText = Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE), AfterValidator(_printable)]
Share = Annotated[float, Field(ge=0, le=1)]
Corner = Annotated[list[Share], Field(min_length=2, max_length=2)]
Violation = Literal["masked", "incorrect", "unmasked"]


class Strict(BaseModel):
    """A body of which every field is known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ZoneJson(Strict):
    """A polygon; corners are shares of the picture's width and height."""

    name: Name
    corners: Annotated[list[Corner], Field(min_length=3, max_length=MOST_CORNERS)]


class LineJson(Strict):
    """A line from its first end to its second."""

    name: Name
    corners: Annotated[list[Corner], Field(min_length=2, max_length=2)]


class HowJson(Strict):
    """How a stream is watched; what is left out is as usual."""

    looks_per_s: Annotated[float, Field(gt=0, le=MOST_LOOKS, allow_inf_nan=False)] = 10.0
    min_face_px: Literal[16, 24, 40] = 40
    operating_point: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    violations: Annotated[list[Violation], Field(max_length=3)] = ["unmasked", "incorrect"]
    after_s: Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)] = 3.0
    blur: Blur = "all"
    zones: Annotated[list[ZoneJson], Field(max_length=MOST_PLACES)] = []
    lines: Annotated[list[LineJson], Field(max_length=MOST_PLACES)] = []


class NewStream(HowJson):
    """A stream that is to be watched."""

    name: Name
    source: SourceText


class StreamChange(HowJson):
    """What is to be different; what is left out stays."""

    name: Name = "unchanged"
    source: SourceText = "unchanged"
    paused: bool = False


class PeopleJson(BaseModel):
    """How many are said to be what."""

    masked: int
    incorrect: int
    unmasked: int
    uncertain: int


class NowJson(BaseModel):
    """Who is in sight."""

    people: PeopleJson
    compliance: float | None


class HealthJson(BaseModel):
    """How well a stream comes through."""

    looks_per_s: float
    dropped: int
    broken: int
    latency_ms: float | None


class StreamJson(BaseModel):
    """A stream as everybody may see it."""

    id: int
    name: str
    source: str
    kind: Kind
    paused: bool
    how: HowJson
    state: State
    because: str
    since: str
    size: Annotated[list[int], Field(min_length=2, max_length=2)] | None
    now: NowJson
    health: HealthJson


class StreamsJson(BaseModel):
    """Every stream."""

    streams: list[StreamJson]


@router.get("")
async def every(service: Parts, _: Viewer) -> StreamsJson:
    """All streams, the oldest first."""
    return StreamsJson.model_validate({"streams": service.cameras.board.streams()})


@router.post("", status_code=201)
def add(stream: NewStream, service: Parts, caller: Admin) -> StreamJson:
    """Watch one more."""
    given = stream.model_dump(exclude={"name", "source"})
    number = service.cameras.add(stream.name, stream.source, _how(given))
    told = _told(service.cameras, number)
    service.audit.add("stream added", {"by": caller.name, "stream": number, "name": told.name, "source": told.source})
    return told


@router.get("/{stream_id}")
async def one(stream_id: StreamId, service: Parts, _: Viewer) -> StreamJson:
    """One stream."""
    return _told(service.cameras, stream_id)


@router.patch("/{stream_id}")
def change(stream_id: StreamId, stream: StreamChange, service: Parts, caller: Viewer) -> StreamJson:
    """Set it up differently; to pause it and go on needs the role operator, all else admin."""
    given = stream.model_dump(exclude_unset=True)
    _needs(caller, "operator" if given.keys() <= {"paused"} else "admin")
    cameras = service.cameras
    plain = {name: given.pop(name) for name in ("name", "source", "paused") if name in given}
    how = _how({**cameras.board.config(stream_id).how.to_json(), **given}) if given else None
    cameras.change(stream_id, how=how, **plain)
    told = _told(cameras, stream_id)
    changed = sorted([*plain, *given])
    service.audit.add("stream changed", {"by": caller.name, "stream": stream_id, "name": told.name, "changed": changed})
    return told


@router.delete("/{stream_id}", status_code=204)
def remove(stream_id: StreamId, service: Parts, caller: Admin) -> None:
    """Watch it no more; what happened there stays."""
    name = service.cameras.board.config(stream_id).name
    service.cameras.remove(stream_id)
    service.audit.add("stream removed", {"by": caller.name, "stream": stream_id, "name": name})


@router.get(
    "/{stream_id}/still.jpg",
    response_class=Response,
    responses={200: {"description": "The newest picture.", "content": {"image/jpeg": {}}}},
)
async def still(
    stream_id: StreamId,
    service: Parts,
    caller: Viewer,
    blur: Blur | None = None,
    width: Annotated[int, Query(ge=WIDTHS[0], le=WIDTHS[-1])] = WIDTHS[-1],
) -> Response:
    """The newest picture, which is kept nowhere; whose faces are hidden in it is up to whoever asks, if they may."""
    cameras = service.cameras
    asked = hidden_for(caller, blur, cameras.board.config(stream_id).how.blur)
    look = cameras.board.look(stream_id)
    if look is None:
        raise Problem(409, "there is no picture of this stream at the moment; see its state")
    picture = await asyncio.wrap_future(cameras.pictures.of(look, width, asked))
    return Response(picture.content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def hidden_for(caller: Caller, asked: Blur | None, usual: Blur) -> Blur:
    """Whose faces are hidden from somebody.

    Args:
        caller: who asks; a viewer sees no face.
        asked: what they asked for, if anything.
        usual: what the stream's own settings say for those who did not.

    Raises:
        Problem: a viewer asked for faces.
    """
    if caller.may("operator"):
        return asked or usual
    if asked not in (None, "all"):
        raise Problem(403, f"pictures with faces need the role operator; {caller.name} is {caller.role}")
    return "all"


def _how(given: dict[str, Any]) -> How:
    try:
        return How.from_json(given)
    except ConfigError as error:
        raise Problem(422, str(error)) from error


def _needs(caller: Caller, role: Literal["operator", "admin"]) -> None:
    if not caller.may(role):
        raise Problem(403, f"this needs the role {role}; {caller.name} is {caller.role}")


def _told(cameras: Cameras, stream_id: int) -> StreamJson:
    return StreamJson.model_validate(cameras.board.stream(stream_id))
