"""The command line in this process."""

from __future__ import annotations

import sys

import pytest

from maskwise import cli


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr on one line."""
    monkeypatch.setattr(sys, "argv", ["maskwise", *arguments])
    code = 0
    try:
        cli.main()
    except SystemExit as done:
        code = int(done.code or 0)
    said = capsys.readouterr()
    return code, said.out, " ".join(said.err.split())
