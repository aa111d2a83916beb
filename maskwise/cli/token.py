"""`maskwise token`: who may ask a service, beside it while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskwise.cli.console import out, say
from maskwise.cli.serve import Database, Folder, settings_of
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from maskwise.serving.settings import Settings

app = typer.Typer(help="Tokens of a service: who may ask it, and for what.", no_args_is_help=True)

DAY_S = 86_400.0
Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called, in the audit log too.")]


@app.command()
def create(
    name: Name,
    role: Annotated[
        Literal["viewer", "operator", "admin"],
        typer.Option(help="May look; may also pause streams and see faces; may also change the set-up."),
    ],
    expires_days: Annotated[int | None, typer.Option(min=1, max=3650, help="Good for so many days.")] = None,
    folder: Folder = None,
    database: Database = None,
) -> None:
    """Make a token and print it, this once, on stdout. A service that runs knows it at once."""
    from maskwise.serving.guard.hashing import new_token
    from maskwise.serving.store import tokens

    settings, now_s, secret = settings_of(folder, database), time.time(), new_token()
    _check_name(name)
    with _transaction(settings) as session:
        if tokens.named(session, name):
            raise UsageError(
                f"there is a token called {name}; choose another name, or run: maskwise token revoke {name}"
            )
        is_first = not tokens.are_any(session)
        expires_s = None if expires_days is None else now_s + expires_days * DAY_S
        tokens.add(session, name, role, secret, now_s, expires_s)
        has_admin = tokens.has_admin(session, now_s)
    _record(settings, "token created", name=name, role=role)
    if is_first:
        say("this is the first token: from now on nobody gets in without one")
    if not has_admin:
        say("there is no token of an admin: nobody can change the set-up on the page")
    typer.echo(secret)


@app.command("list")
def list_(folder: Folder = None, database: Database = None) -> None:
    """Every token: name, role, when it was made, last used, and until when it is good."""
    from rich.table import Table

    from maskwise.serving.store import tokens

    table = Table("name", "role", "made", "last used", "good until")
    with _transaction(settings_of(folder, database)) as session:
        for token in tokens.listed(session):
            moments = (_day(token.created_s), _day(token.used_s), _day(token.expires_s, "revoked"))
            table.add_row(token.name, token.role, *moments)
    out.print(table)


@app.command()
def revoke(name: Name, folder: Folder = None, database: Database = None) -> None:
    """End a token; who signed in with it is signed out at once."""
    from maskwise.serving.store import tokens

    settings = settings_of(folder, database)
    with _transaction(settings) as session:
        token = tokens.named(session, name)
        if token is None:
            raise UsageError(f"there is no token called {name}; `maskwise token list` shows them")
        tokens.revoke(session, token.id)
        are_any, has_admin = tokens.are_any(session), tokens.has_admin(session, time.time())
    _record(settings, "token revoked", name=name, role=token.role)
    if not are_any:
        say("this was the last token: on this machine nobody is asked for one now")
    elif not has_admin:
        say("there is no token of an admin left: nobody can change the set-up on the page")


@contextmanager
def _transaction(settings: Settings) -> Iterator[Session]:
    from maskwise.serving.store.database import Database as Store
    from maskwise.serving.store.folder import folder_of

    folder_of(settings)
    with closing(Store(settings.database_url)) as database, database.begin() as session:
        yield session


def _check_name(name: str) -> None:
    import re

    from maskwise.serving.store.tokens import NAMED, RESERVED

    if len(name) > 100 or not re.fullmatch(NAMED, name) or name in RESERVED:
        raise UsageError(
            f"{name!r} cannot be a token's name: up to 100 characters, and not one of {', '.join(RESERVED)}"
        )


def _record(settings: Settings, kind: str, **facts: str) -> None:
    from maskwise.serving.operating.record import record

    record(settings.audit_log).add(kind, {"by": "local", **facts})


def _day(at_s: float | None, never: str = "never") -> str:
    return never if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
