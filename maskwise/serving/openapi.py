"""The description of the service for machines: what every route has in common is said once, here."""

from __future__ import annotations

from fastapi import FastAPI


def install(app: FastAPI) -> None:
    """To be written."""
