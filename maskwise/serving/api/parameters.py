"""What several resources are asked with."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

Verdict = Literal["masked", "incorrect", "unmasked", "uncertain"]
NAME = r"^[^\x00-\x1f\x7f]+$"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*")


def _iso(given: Any) -> Any:
    """Nothing but a moment as it is written: a bare number could mean anything."""
    if isinstance(given, str) and not MOMENT.fullmatch(given):
        raise ValueError("write a moment as 2026-01-31T09:00:00Z or, with + as %2B, 2026-01-31T09:00:00%2B01:00")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]
StreamNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
ZoneName = Annotated[str, Field(min_length=1, max_length=100, pattern=NAME)]


class Asked(BaseModel):
    """Parameters of a question; one that is not known is refused, or a misspelt filter would give a wrong figure."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def seconds_of(moment: datetime | None) -> float | None:
    """Since 1970."""
    return None if moment is None else moment.timestamp()
