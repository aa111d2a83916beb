"""`maskwise database`: what a service remembers, brought up to date, kept safe, brought back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import say
from maskwise.cli.serve import Database, Folder, settings_of

if TYPE_CHECKING:
    from maskwise.serving.settings import Settings
    from maskwise.serving.store.archive import Header

app = typer.Typer(help="What a service remembers: bring it up to date, back it up, restore it.", no_args_is_help=True)


@app.command()
def upgrade(folder: Folder = None, database: Database = None) -> None:
    """Bring the tables up to date, as `maskwise serve` does when it starts."""
    from maskwise.serving.store import schema
    from maskwise.serving.store.database import Database as Store
    from maskwise.serving.store.folder import folder_of

    settings = settings_of(folder, database)
    folder_of(settings)
    with closing(Store(settings.database_url)):
        say(f"the tables are up to date: revision {schema.revisions()[0]}")


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; what is there is replaced.")],
    folder: Folder = None,
    database: Database = None,
) -> None:
    """Write everything to one file, as of one moment; the service may run meanwhile.

    The file holds the addresses of cameras and alarms with their passwords: only its owner may read it.
    """
    from maskwise.serving.store.backup import back_up

    settings = settings_of(folder, database)
    header = back_up(settings.database_url, path)
    _record(settings, "backup", header)
    say(f"{path}: {_told(header)}")


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Written by `maskwise database backup`.")],
    replace: Annotated[bool, typer.Option("--replace", help="Delete what is in the database.")] = False,
    folder: Folder = None,
    database: Database = None,
) -> None:
    """Read everything from a backup into an empty database of either kind; stop the service before.

    Every byte of the file is checked before the database is touched; then all of it is restored, or nothing.
    """
    from maskwise.serving.store import backup as store
    from maskwise.serving.store.folder import folder_of

    settings = settings_of(folder, database)
    folder_of(settings)
    header = store.restore(settings.database_url, path, replace=replace)
    _record(settings, "restore", header, made_at=header.made_at, replaced=replace)
    say(f"restored from {path}: {_told(header)}")


def _told(header: Header) -> str:
    counts = [f"{name} {member.rows}" for name, member in header.tables.items() if member.rows]
    return f"made {header.made_at}, revision {header.revision}; {', '.join(counts) or 'no rows'}"


def _record(settings: Settings, kind: str, header: Header, **facts: Any) -> None:
    from maskwise.serving.operating.record import record

    rows = sum(member.rows for member in header.tables.values())
    record(settings.audit_log).add(kind, {"by": "local", "revision": header.revision, "rows": rows, **facts})
