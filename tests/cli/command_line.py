"""The command line in this process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maskwise import cli


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr on one line."""
    monkeypatch.setattr(sys, "argv", ["maskwise", *arguments])
    code = 0
    with log_as_before():
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
    said = capsys.readouterr()
    return code, said.out, " ".join(said.err.split())


@contextmanager
def log_as_before() -> Iterator[None]:
    """What a command sets up for its own process must not go on in that of the tests."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", "maskwise")}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
