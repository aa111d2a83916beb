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
from starlette.responses import Response

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

FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "An ONNX file.", "content": {"application/octet-stream": {}}}
}

CACHING = {"Cache-Control": "private, no-cache"}
"""Kept, and asked for again each time: mostly the answer is that it is still the same."""

WASM_TYPE = {"Content-Type": "application/wasm", "Vary": "Accept-Encoding"}


@dataclass(frozen=True, slots=True)
class Part:
    """A file as browsers get it.

    content: of the file.
    sha256: hex digest of the content.
    """

    content: bytes
    sha256: str


@router.get("/inside/model.json", summary="What the in-browser mode needs to know of the model")
def model(parts: Parts, _: Viewer) -> dict[str, Any]:
    """404 where this installation was built without the runtime for browsers."""
    runtime = _packed().content
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
        "runtime": {"bytes": len(runtime), "unpacked_bytes": _length(runtime)},
        "bytes": sum(map(len, (runtime, detector.content, classifier.content))),
        "max_pixels": parts.settings.limits.max_pixels,
    }


@router.get("/inside/classifier.onnx", summary="The network that judges faces", response_class=Response, responses=FILE)
def classifier_onnx(request: Request, parts: Parts, _: Viewer) -> Response:
    """As the artifact has it."""
    return _sent(_classifier_of(parts), request)


@router.get("/inside/detector.onnx", summary="The network that finds faces", response_class=Response, responses=FILE)
def detector_onnx(request: Request, _: Viewer) -> Response:
    """YuNet, for pictures of any size."""
    return _sent(_detector(), request)


@router.get("/runtime/ort-wasm-simd-threaded.wasm", include_in_schema=False)
def wasm(request: Request) -> Response:
    """The largest part, kept compressed; every other file of the runtime is sent like the rest of the page."""
    packed = _packed()
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return _sent(_unpacked(packed), request, WASM_TYPE)
    return _sent(packed, request, {**WASM_TYPE, "Content-Encoding": "gzip"})


def _packed() -> Part:
    """The runtime, compressed."""
    path = RUNTIME / WASM
    if not path.is_file():
        raise Problem(
            404,
            "this installation has no in-browser mode; install Node.js and run `make install` again, "
            "or let the service check the pictures",
        )
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, _changed_ns: int) -> Part:
    return _part(path.read_bytes())


@lru_cache(maxsize=1)
def _unpacked(packed: Part) -> Part:
    """Kept: anybody may ask for it, and as often as they like."""
    return Part(gzip.decompress(packed.content), f"{packed.sha256}-plain")


def _sent(part: Part, request: Request, more: dict[str, str] | None = None) -> Response:
    """The file, or 304 to a browser that has it."""
    headers = {"Content-Type": "application/octet-stream", **CACHING, **(more or {}), "ETag": f'"{part.sha256}"'}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(part.content, headers=headers)


def _classifier_of(parts: Parts) -> Part:
    part = _classifier(parts.settings.model)
    card: ModelCard = parts.checks.card
    if part.sha256 != card.files[ONNX_NAME]:
        raise Problem(409, "the model's file is another than when the service started; start the service again")
    return part


@lru_cache(maxsize=1)
def _classifier(model: str) -> Part:
    return _part((folder_of(model) / ONNX_NAME).read_bytes())


@lru_cache(maxsize=1)
def _detector() -> Part:
    return _part(any_size(bundled_weights().read_bytes()))


def _length(packed: bytes) -> int:
    """Bytes when unpacked: the end of a gzip file says it (RFC 1952)."""
    return int.from_bytes(packed[-4:], "little")


def _part(content: bytes) -> Part:
    return Part(content, hashlib.sha256(content).hexdigest())
