"""Who is told of alarms."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from maskwise.serving.guard.callers import Admin, Viewer
from maskwise.serving.operating.apprising import is_known, kind_of, send
from maskwise.serving.problems import PROBLEMS, NotThere, Problem
from maskwise.serving.service import Parts
from maskwise.serving.store import targets
from maskwise.serving.store.tables import TargetRow
from maskwise.stream.following.events import Kind

router = APIRouter(tags=["alarms"], responses=PROBLEMS)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$")]


class NewTarget(BaseModel):
    """Somebody who is to be told."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    address: Annotated[Line, Field(min_length=1, max_length=2000, description="As Apprise has it; never shown again.")]
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=20)] = ["violated"]


class TargetJson(BaseModel):
    """Somebody who is told; address: its kind only."""

    id: int
    name: str
    address: Annotated[str, Field(description="The kind of address only, as it may hold a password.")]
    kinds: list[str]


class TargetsJson(BaseModel):
    """Everybody who is told."""

    alarms: list[TargetJson]


class SentJson(BaseModel):
    """Whether a message arrived."""

    sent: bool


@router.get("/v1/alarms")
def all_targets(service: Parts, _: Viewer) -> TargetsJson:
    """Who is told of alarms."""
    with service.database.read() as session:
        return TargetsJson(alarms=[_json(row) for row in targets.all_of(session)])


@router.post("/v1/alarms", status_code=201)
def add_target(new: NewTarget, service: Parts, caller: Admin) -> TargetJson:
    """Tell somebody more."""
    if not is_known(new.address):
        raise Problem(
            422,
            f"address ({kind_of(new.address)}): not one address that Apprise knows, or one of this machine itself "
            "or of a file; it is written as in json://host/path or mailto://user:password@host",
        )
    try:
        with service.database.begin() as session:
            row = targets.add(session, new.name, new.address, new.kinds)
    except targets.NameTakenError as error:
        raise Problem(409, f"there is an alarm named {new.name} already; choose another name") from error
    facts = {"by": caller.name, "id": row.id, "name": row.name, "to": kind_of(row.address), "kinds": row.kinds}
    service.audit.add("alarm added", facts)
    return _json(row)


@router.delete("/v1/alarms/{number}", status_code=204)
def remove_target(number: Number, service: Parts, caller: Admin) -> Response:
    """Tell them no more; what waits for them is dropped."""
    with service.database.begin() as session:
        row = targets.remove(session, number)
    if row is None:
        raise NotThere(f"alarm {number}")
    service.audit.add("alarm removed", {"by": caller.name, "id": number, "name": row.name})
    return Response(status_code=204)


@router.post("/v1/alarms/{number}/test")
def test_target(number: Number, service: Parts, caller: Admin) -> SentJson:
    """Send a message now, quiet hours or not."""
    with service.database.begin() as session:
        row = targets.one(session, number)
    if row is None:
        raise NotThere(f"alarm {number}")
    arrived = send(row.address, "maskwise: a test", "This is a test. Alarms arrive here.")
    service.audit.add("alarm tested", {"by": caller.name, "id": number, "sent": arrived})
    return SentJson(sent=arrived)


def _json(row: TargetRow) -> TargetJson:
    return TargetJson(id=row.id, name=row.name, address=kind_of(row.address), kinds=row.kinds)
