"""Pictures that are sent, and what is said of the faces in them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from maskwise.errors import ConfigError
from maskwise.model.artifact import ONNX_NAME
from maskwise.serving.api.models import name_of
from maskwise.serving.checking.accepting import preferred
from maskwise.serving.checking.answers import Answer, Wish, summary
from maskwise.serving.checking.bodies import ClientDisconnect, gone, pictures_of
from maskwise.serving.checking.checks import Ticket
from maskwise.serving.checking.schemas import CheckJson
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import MEDIA_TYPE, Problem, ProblemJson
from maskwise.serving.service import Parts, Service
from maskwise.stream.outputs.blur import Blur

router = APIRouter(tags=["check"])

JSON, JPEG = "application/json", "image/jpeg"
CLOSED = 499
"""The client hung up; nobody reads this, but logs and metrics have it."""

_PICTURE = {"type": "string", "format": "binary"}
_PARTS = {
    "type": "object",
    "required": ["picture"],
    "additionalProperties": False,
    "properties": {"picture": {"type": "array", "items": _PICTURE, "minItems": 1}},
}
BODY: dict[str, Any] = {
    "required": True,
    "description": "One picture as it is, or several as parts named `picture`. Nothing of it is kept.",
    "content": {
        "application/octet-stream": {"schema": _PICTURE},
        "image/jpeg": {"schema": _PICTURE},
        "image/png": {"schema": _PICTURE},
        "image/webp": {"schema": _PICTURE},
        "multipart/form-data": {"schema": _PARTS},
    },
}

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": ProblemJson.model_json_schema()}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": CheckJson,
        "description": "A row for each picture; with `Accept: image/jpeg` the one picture with the verdicts drawn in.",
        "content": {JPEG: {"schema": _PICTURE}},
    },
    400: {"description": "There is no picture, or the multipart body is broken.", **_PROBLEM},
    406: {"description": "None of the kinds of answer is accepted.", **_PROBLEM},
    413: {"description": "Too many bytes or pictures.", **_PROBLEM},
    415: {"description": "The body is no picture by its type.", **_PROBLEM},
    422: {"description": "A parameter or part that is not known or out of range.", **_PROBLEM},
    429: {
        "description": "Too many pictures wait; come again later.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
        **_PROBLEM,
    },
    "4XX": {"description": "This may not be asked.", **_PROBLEM},
}


@router.post("/v1/check", responses=RESPONSES, openapi_extra={"requestBody": BODY}, response_class=Response)
async def check(
    request: Request,
    service: Parts,
    _: Viewer,
    operating_point: Annotated[
        str | None, Query(description="One of the model's; the service's own if not given.", max_length=100)
    ] = None,
    threshold: Annotated[
        float | None, Query(ge=0, le=1, description="Confidence below which a verdict is `uncertain`.")
    ] = None,
    min_confidence: Annotated[
        float | None, Query(ge=0, le=1, description="Ask for a summary of the faces by it.")
    ] = None,
    annotated: Annotated[bool, Query(description="Add each picture with the verdicts drawn in.")] = False,
    blur: Annotated[Blur, Query(description="Whose face is hidden in that.")] = "none",
) -> Response:
    """Find every face, and say how its mask is worn."""
    kind = preferred(request.headers.get("accept", ""), (JSON, JPEG))
    if kind is None:
        raise Problem(406, f"the answer is {JSON} or {JPEG}; accept one of them")
    operating_point = operating_point or service.choices.now.operating_point
    wish = _wish(service, operating_point, threshold, annotated or kind == JPEG, blur)
    try:
        answers = await _looked_at(request, service, wish, only_one=kind == JPEG)
    except ClientDisconnect:
        return Response(status_code=CLOSED)
    if kind == JPEG:
        return _picture(answers[0])
    return Response(_whole(service, operating_point, answers, min_confidence), media_type=JSON)


def _wish(service: Service, operating_point: str | None, threshold: float | None, annotated: bool, blur: Blur) -> Wish:
    try:
        thresholds = service.checks.card.thresholds_at(operating_point)
    except ConfigError as error:
        raise Problem(422, str(error)) from error
    if threshold is not None:
        thresholds = replace(thresholds, confidence=threshold)
    return Wish(thresholds, annotated, blur)


async def _looked_at(request: Request, service: Service, wish: Wish, *, only_one: bool) -> list[Answer]:
    checks, limits = service.checks, service.settings.limits
    with checks.room.hold() as hold:
        pictures = await pictures_of(request, limits, hold, keep=wish.annotated)
        if only_one and len(pictures) > 1:
            raise Problem(406, f"{len(pictures)} pictures cannot be answered as one {JPEG}; accept {JSON}")
        return await _answered(request, checks.begin(pictures, wish))


async def _answered(request: Request, ticket: Ticket) -> list[Answer]:
    """The answers; should the client hang up first, its pictures' places are free again."""
    hung_up = asyncio.ensure_future(gone(request))
    try:
        await asyncio.wait((ticket.answers, hung_up), return_when=asyncio.FIRST_COMPLETED)
        if not ticket.answers.done():
            raise ClientDisconnect
        return ticket.answers.result()
    finally:
        hung_up.cancel()
        ticket.give_up()


def _picture(answer: Answer) -> Response:
    if answer.jpeg is None:
        raise Problem(422, answer.error or "the verdicts cannot be drawn into this picture")
    return Response(answer.jpeg, media_type=JPEG)


def _whole(service: Service, operating_point: str | None, answers: list[Answer], min_confidence: float | None) -> bytes:
    """The rows are JSON already; only what is around them is written here."""
    card = service.checks.card
    model = {"name": name_of(service), "sha256": card.files[ONNX_NAME], "operating_point": operating_point}
    around = json.dumps(
        {"model": model, "summary": None if min_confidence is None else summary(answers, min_confidence)}
    )
    rows = b",".join(answer.json for answer in answers)
    return around[:-1].encode() + b',"results":[' + rows + b"]}"
