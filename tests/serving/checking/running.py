"""A service with a client before it, and pictures to send."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from starlette.testclient import TestClient

from maskwise.data.clips import crowd, film
from maskwise.data.embedded import astronaut
from maskwise.serving.app import create_app
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Limits, Settings
from maskwise.values import Image


@contextmanager
def running(folder: Path, limits: Limits | None = None) -> Iterator[tuple[TestClient, Service]]:
    """A whole service that listens nowhere, as this machine's own user sees it."""
    with opened(Settings(folder, limits=limits or Limits())) as service:
        yield TestClient(create_app(service), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000)), service


def encoded(image: Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


@cache
def people(count: int) -> bytes:
    """A PNG of 640x480 with so many people, every other one with a mask."""
    frame, _ = next(iter(film(crowd(count, (640, 480)), 1 / 30, 30.0, (640, 480))))
    return encoded(frame.image)


@cache
def one_face() -> bytes:
    """A JPEG of the astronaut."""
    return encoded(astronaut(), "JPEG")


@cache
def nobody() -> bytes:
    """A PNG without a face."""
    return encoded(np.full((120, 160, 3), 90, np.uint8))
