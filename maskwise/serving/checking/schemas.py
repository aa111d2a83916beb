"""What `POST /v1/check` answers, for its description in OpenAPI; the answers themselves are written without them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Share = Annotated[float, Field(ge=0, le=1)]
VerdictName = Literal["masked", "incorrect", "unmasked", "uncertain"]


class YesOrNo(BaseModel):
    """An answer and its probability."""

    value: bool
    confidence: Annotated[Share, Field(description="Probability of what is said.")]


class FaceJson(BaseModel):
    """One face."""

    box_xyxy: Annotated[list[float], Field(min_length=4, max_length=4, description="Pixels of the picture.")]
    score: Annotated[Share, Field(description="How sure the detector is that it is a face.")]
    track: None
    track_verdict: None
    track_confidence: None
    verdict: VerdictName
    confidence: Annotated[Share, Field(description="Calibrated probability of the verdict's class.")]
    uncertain_because: str | None
    probabilities: dict[str, Share]
    mask_present: YesOrNo
    nose_and_mouth_covered: YesOrNo


class PictureJson(BaseModel):
    """One picture: what is said of its faces, or why it could not be looked at."""

    source: Annotated[str, Field(description="File name of the part; empty if there is none.")]
    index: Annotated[int, Field(ge=0, description="Position in the request.")]
    time_s: None
    width: Annotated[int, Field(ge=0)]
    height: Annotated[int, Field(ge=0)]
    error: str | None
    faces: list[FaceJson]
    annotated_jpeg: Annotated[str | None, Field(description="Base64; only if annotated=true.")] = None


class FacePlace(BaseModel):
    """A face, by its picture and its place there; both from 0."""

    picture: int
    face: int


class SummaryJson(BaseModel):
    """Faces by what can be said of them with the confidence asked for."""

    min_confidence: Share
    with_mask: list[FacePlace]
    without_mask: Annotated[list[FacePlace], Field(description="Verdict `incorrect` or `unmasked`.")]
    indeterminate: list[FacePlace]


class UsedModelJson(BaseModel):
    """What judged the pictures."""

    name: str
    sha256: str
    operating_point: str | None


class CheckJson(BaseModel):
    """What is said about the pictures of one request."""

    model: UsedModelJson
    results: list[PictureJson]
    summary: SummaryJson | None
