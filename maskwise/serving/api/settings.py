"""What can be chosen while the service runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from maskwise.errors import ConfigError
from maskwise.serving.guard.callers import Admin, Viewer
from maskwise.serving.problems import PROBLEMS, Problem
from maskwise.serving.service import Parts
from maskwise.serving.store.choices import LONGEST_DAYS, LONGEST_PAUSE_S, Choice

router = APIRouter(tags=["settings"], responses=PROBLEMS)

TimeOfDay = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Quiet = Annotated[
    list[TimeOfDay],
    Field(min_length=2, max_length=2, description="From when to when, by the local clock; over midnight if need be."),
]
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS, description="Events and counts are kept so long.")]
Pause = Annotated[float, Field(ge=0, le=LONGEST_PAUSE_S, description="Between two alarms about one stream.")]
Point = Annotated[str | None, Field(max_length=100, description="Null: the model's own default.")]


class SettingsJson(BaseModel):
    """Everything that can be chosen."""

    retention_days: Days
    operating_point: Point
    quiet: Quiet | None
    pause_s: Pause


class Changes(BaseModel):
    """What is to be another; the rest stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    retention_days: Days = 30
    operating_point: Point = None
    quiet: Quiet | None = None
    pause_s: Pause = 60.0


@router.get("/v1/settings")
async def settings(service: Parts, _: Viewer) -> SettingsJson:
    """What is chosen now."""
    return _json(service.choices.now)


@router.patch("/v1/settings")
def change_settings(changes: Changes, service: Parts, caller: Admin) -> SettingsJson:
    """Choose otherwise."""
    given = changes.model_dump(exclude_unset=True)
    try:
        choice = service.choices.change(given)
    except ConfigError as error:
        raise Problem(422, str(error)) from error
    service.cameras.use(service.choices.now.operating_point)  # the newest, should two have changed it at once
    service.audit.add("settings changed", {"by": caller.name, **given})
    return _json(choice)


def _json(choice: Choice) -> SettingsJson:
    return SettingsJson.model_validate(choice.to_json())
