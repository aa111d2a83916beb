"""What judges the pictures: its figures, and what each of its operating points would cost here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from maskwise.model.artifact import ONNX_NAME
from maskwise.serving.checking.cost import cost, outcomes
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import PROBLEMS, NotThere
from maskwise.serving.service import Parts, Service

router = APIRouter(tags=["models"], responses=PROBLEMS)


class FigureJson(BaseModel):
    """A figure with its 95 % interval, and how many faces it rests on; null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class OperatingPointJson(BaseModel):
    """Thresholds chosen for a purpose, and what they gave where they were chosen."""

    thresholds: dict[str, float | None]
    figures: dict[str, FigureJson]


class ModelJson(BaseModel):
    """A model."""

    name: str
    sha256: str
    labels: list[str]
    network: str
    precision: str
    figures: Annotated[dict[str, Any], Field(description="On the test faces; docs/reference/figures.md.")]
    thresholds: Annotated[dict[str, float | None], Field(description="Its own; they hold where no point is chosen.")]
    operating_points: dict[str, OperatingPointJson]
    operating_point: Annotated[str | None, Field(description="The one that is used where a request names none.")]
    licence: str
    data: Annotated[dict[str, Any], Field(description="How many faces it was trained and tested on, from where.")]


class ModelsJson(BaseModel):
    """The models of this service."""

    models: list[ModelJson]


class CostJson(BaseModel):
    """What is to be expected in the long run, of one look at each person."""

    alarms_per_hour: FigureJson
    false_alarms_per_hour: FigureJson
    missed_per_100: Annotated[FigureJson, Field(description="Of 100 people without a proper mask, called masked.")]
    uncertain_per_100: Annotated[FigureJson, Field(description="Of 100 people of all kinds, without an answer.")]
    share_of_alarms_right: FigureJson


class CostsJson(BaseModel):
    """By operating point."""

    model: str
    people_per_hour: float
    share_masked: float
    note: str
    operating_points: dict[str, CostJson]


NOTE = (
    "Of one look at each person, with faces as those that the thresholds were chosen on; not of events of a stream, "
    "which come of many looks."
)


@router.get("/v1/models")
async def models(service: Parts, _: Viewer) -> ModelsJson:
    """The model that judges pictures and streams."""
    return ModelsJson(models=[_model(service)])


@router.get("/v1/models/{name}/cost")
async def model_cost(
    name: str,
    service: Parts,
    _: Viewer,
    people_per_hour: Annotated[float, Query(ge=0, le=1_000_000, description="Who are looked at once each.")],
    share_masked: Annotated[float, Query(ge=0, le=1, description="Of them, properly masked.")],
) -> CostsJson:
    """What each operating point would cost at a place with so many people."""
    if name != name_of(service):
        raise NotThere(f"model {name[:100]}; GET /v1/models has their names")
    found = {point: outcomes(of.figures) for point, of in service.checks.card.operating_points.items()}
    costs = {
        point: CostJson(**cost(of, people_per_hour, share_masked).to_json())
        for point, of in found.items()
        if of is not None
    }
    return CostsJson(
        model=name, people_per_hour=people_per_hour, share_masked=share_masked, note=NOTE, operating_points=costs
    )


def name_of(service: Service) -> str:
    """The model's name: that of its folder."""
    return Path(service.settings.model).name


def _model(service: Service) -> ModelJson:
    card = service.checks.card
    points = {
        name: OperatingPointJson(thresholds=asdict(point.thresholds), figures=point.figures)
        for name, point in card.operating_points.items()
    }
    return ModelJson(
        name=name_of(service),
        sha256=card.files[ONNX_NAME],
        labels=list(card.labels),
        network=card.network,
        precision=card.precision,
        figures=card.figures.get("test", {}),
        thresholds=asdict(card.thresholds),
        operating_points=points,
        operating_point=service.choices.now.operating_point,
        licence=card.licence,
        data={name: card.data[name] for name in ("counts", "sources") if name in card.data},
    )
