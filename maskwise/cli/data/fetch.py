"""`maskwise data fetch`: a public set, downloaded or handed in, verified and unpacked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import out, progress, say
from maskwise.cli.data.telling import Json

if TYPE_CHECKING:
    from maskwise.data.fetch import Fetched

Catalog = Annotated[Path | None, typer.Option(help="TOML with further sets.  [default: the catalog of maskwise]")]

_MB = 1_000_000


def run(
    name: Annotated[str, typer.Argument(help="A set of the catalog, see `maskwise data list`.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder.  [default: data/NAME]")] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Accept the licence of the set.")] = False,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="File or folder that you downloaded by hand; repeat for several."),
    ] = None,
    sha256: Annotated[str, typer.Option(help="SHA-256 that the one file has to have.")] = "",
    max_bytes: Annotated[int | None, typer.Option(min=1, help="Download no larger file.")] = None,
    catalog: Catalog = None,
    as_json: Json = False,
) -> None:
    """Fetch a public set: download or take what you downloaded, verify, unpack; again it only verifies."""
    from maskwise.data.catalog import find, load, public
    from maskwise.data.fetch import fetch

    entry = find(load(catalog) if catalog else public(), name)
    fetched = fetch(
        entry,
        output or Path("data") / name,
        accepted=accept_licence,
        given=from_ or (),
        sha256=sha256.strip().lower(),
        max_bytes=max_bytes,
        progress=_bar,
        say=say,
    )
    if as_json:
        typer.echo(json.dumps(fetched.to_mapping()))
        return
    _tell(fetched, entry.get.steps)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar; bytes are counted in MB, since nobody reads nine digits that change."""
    from rich.markup import escape

    in_bytes = what.startswith(("downloading", "unpacking"))
    with progress(escape(f"{what}, MB" if in_bytes else what)) as hook:
        unit = _MB if in_bytes else 1
        yield lambda done, total: hook(done // unit, max(done, total) // unit)


def _tell(fetched: Fetched, steps: tuple[str, ...]) -> None:
    record = fetched.record
    counts = ", ".join(f"{count:,} {name}" for name, count in record.counts.items())
    state = "was there already and is unaltered" if fetched.already else "is fetched"
    out.print(
        f"{record.name} {state}: {fetched.data}, {record.files:,} files{f' ({counts})' if counts else ''}",
        markup=False,
        soft_wrap=True,
    )
    if fetched.command:
        out.print(f"Take it in with:\n  {fetched.command}", markup=False, soft_wrap=True)
        return
    out.print("It holds no pictures. To go on:", markup=False)
    for number, step in enumerate(steps, start=1):
        out.print(f"  {number}. {step}", markup=False, soft_wrap=True)
