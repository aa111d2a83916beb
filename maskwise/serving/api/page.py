"""The page and its parts, as files."""

from __future__ import annotations

from importlib.resources import files as files_of

from starlette.staticfiles import StaticFiles

files = StaticFiles(directory=str(files_of("maskwise.serving") / "page"), html=True)
