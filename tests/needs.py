"""Programs of the system that some tests need, as a browser or a database."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def program(name: str, *folders: Path) -> str:
    """Where a program is; the test is skipped where it is not installed, but in CI, which installs it, fails.

    Args:
        name: of the program.
        folders: to look in, besides those of PATH.
    """
    found = shutil.which(name) or next((str(f / name) for f in folders if (f / name).is_file()), None)
    if found is None:
        missing(f"{name} is not installed")
    return str(found)


def missing(what: str) -> None:
    """Skip the test and say what is missing; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; .ci/run is to install it")
    pytest.skip(what)
