"""`maskwise audit-log`: is the record of runs and alarms still as it was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import complain, out

app = typer.Typer(help="Look after the sealed record that `watch --audit-log` keeps.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Look after the sealed record that `watch --audit-log` keeps."""


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The record.")],
    seal: Annotated[
        str | None, typer.Option(help="A seal that was kept elsewhere: it has to be in the record, or its end is gone.")
    ] = None,
) -> None:
    """Check every seal from the beginning. Exit code 1: something was changed, taken out, put in or cut off."""
    from maskwise.stream.outputs.audit_log import verify as check

    found = check(path, seal)
    if found.broken:
        complain(f"{path}: {found.broken}; the {found.entries} entries before are sound")
        raise typer.Exit(1)
    out.print(f"{path}: {found.entries} entries, all sound; last seal {found.seal}", markup=False, soft_wrap=True)
