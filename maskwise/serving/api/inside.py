"""What the page needs to check pictures inside the browser, so that none of them leaves it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from maskwise.model.any_size import any_size
from maskwise.model.artifact import ONNX_NAME, ModelCard, folder_of
from maskwise.model.faces import DEFAULT_THRESHOLD, bundled_weights
from maskwise.serving.guard.callers import Viewer
from maskwise.serving.problems import PROBLEMS, Problem
from maskwise.serving.service import Parts

router = APIRouter(responses=PROBLEMS)

RUNTIME = Path(str(files_of("maskwise.serving") / "page" / "runtime"))
"""ONNX Runtime for browsers; `make install` puts it there where npm is."""

WASM = "ort-wasm-simd-threaded.wasm.gz"

CACHING = {"Cache-Control": "private, no-cache"}
"""Kept, and asked for again each time: mostly the answer is that it is still the same."""


@dataclass(frozen=True, slots=True)
class Network:
    """An ONNX file as browsers get it.

    content: of the file.
    sha256: hex digest of the content.
    """

    content: bytes
    sha256: str


@router.get("/inside/model.json", summary="What the in-browser mode needs to know of the model")
def model(parts: Parts, _: Viewer) -> dict[str, Any]:
    """404 where this installation was built without the runtime for browsers."""
    size = len(_runtime())
    card = parts.checks.card
    detector, classifier = _detector(), _classifier_of(parts)
    return {
        "model": {"network": card.network, "precision": card.precision},
        "labels": card.labels,
        "crop": asdict(card.crop),
        "preprocess": asdict(card.preprocess),
        "temperature": card.temperature,
        "thresholds": asdict(card.thresholds),
        "operating_points": {name: asdict(point) for name, point in card.operating_points.items()},
        "classifier": {"sha256": classifier.sha256},
        "detector": {"sha256": detector.sha256, "threshold": DEFAULT_THRESHOLD},
        "bytes": len(classifier.content) + len(detector.content) + size,
        "max_pixels": parts.settings.limits.max_pixels,
    }


@router.get("/inside/classifier.onnx", summary="The network that judges faces", response_class=Response)
def classifier_onnx(request: Request, parts: Parts, _: Viewer) -> Response:
    """As the artifact has it."""
    return _sent(_classifier_of(parts), request)


@router.get("/inside/detector.onnx", summary="The network that finds faces", response_class=Response)
def detector_onnx(request: Request, _: Viewer) -> Response:
    """YuNet, for pictures of any size."""
    return _sent(_detector(), request)


@router.get("/runtime/ort-wasm-simd-threaded.wasm", include_in_schema=False)
def wasm(request: Request) -> Response:
    """The largest part, kept compressed; every other file of the runtime is sent like the rest of the page."""
    headers = {"Vary": "Accept-Encoding", **CACHING}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(_runtime(), headers=headers, media_type="application/wasm")
    _needs_runtime()
    return FileResponse(RUNTIME / WASM, headers={"Content-Encoding": "gzip", **headers}, media_type="application/wasm")


def _needs_runtime() -> None:
    if not (RUNTIME / WASM).is_file():
        raise Problem(
            404,
            "this installation has no in-browser mode; install Node.js and run `make install` again, "
            "or let the service check the pictures",
        )


def _runtime() -> bytes:
    _needs_runtime()
    return gzip.decompress((RUNTIME / WASM).read_bytes())


def _sent(network: Network, request: Request) -> Response:
    """The file, or 304 to a browser that has it."""
    headers = {"ETag": f'"{network.sha256}"', **CACHING}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(network.content, headers=headers, media_type="application/octet-stream")


def _classifier_of(parts: Parts) -> Network:
    network = _classifier(parts.settings.model)
    card: ModelCard = parts.checks.card
    if network.sha256 != card.files[ONNX_NAME]:
        raise Problem(409, "the model's file is another than when the service started; start the service again")
    return network


@lru_cache(maxsize=1)
def _classifier(model: str) -> Network:
    return _network((folder_of(model) / ONNX_NAME).read_bytes())


@lru_cache(maxsize=1)
def _detector() -> Network:
    return _network(any_size(bundled_weights().read_bytes()))


def _network(content: bytes) -> Network:
    return Network(content, hashlib.sha256(content).hexdigest())
