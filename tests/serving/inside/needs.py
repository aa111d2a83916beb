"""What a machine may lack, and CI may not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from maskwise.serving.api.inside import RUNTIME, WASM

CHROMIUM = Path("/usr/bin/chromium")


def need(is_there: bool, what: str, remedy: str) -> None:
    """Skip the test where something is absent; in CI that is a failure."""
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not here; {remedy}")
    pytest.skip(f"{what} is not here; {remedy}")


def need_runtime() -> None:
    need((RUNTIME / WASM).is_file(), "the runtime for browsers", "`make install` builds it where npm is")


def need_chromium() -> None:
    need(CHROMIUM.is_file(), "Chromium", "apt-get install chromium")


def node() -> str:
    """The program node; it runs modules since version 20.19 without being told."""
    found = shutil.which("node")
    need(found is not None, "Node.js", "apt-get install nodejs")
    return str(found)
