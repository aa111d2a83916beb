"""`maskwise data list`: which public sets there are, and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import out
from maskwise.cli.data.fetch import Catalog
from maskwise.cli.data.telling import Json

if TYPE_CHECKING:
    from maskwise.data.catalog import Entry


def run(
    name: Annotated[str | None, typer.Argument(help="Show all that is known of one set.")] = None,
    catalog: Catalog = None,
    as_json: Json = False,
) -> None:
    """List the public sets that can be fetched, with their licences and known problems."""
    from maskwise.data.catalog import find, load, public

    entries = load(catalog) if catalog else public()
    if name:
        entries = {name: find(entries, name)}
    if as_json:
        typer.echo(json.dumps([{**asdict(entry), "aliases": entry.aliases} for entry in entries.values()]))
    elif name:
        for line in _lines(entries[name]):
            out.print(line, markup=False, soft_wrap=True)
    else:
        out.print(_table(list(entries.values())))


def _table(entries: list[Entry]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table("name", "classes", "pictures", "masks", "licence", "how", "known problems", show_lines=True)
    for entry in entries:
        accept = "; has to be accepted" if entry.licence.accept else ""
        words = (
            entry.name,
            ", ".join(entry.labels),
            _amount(entry),
            entry.masks,
            entry.licence.name + accept,
            entry.get.how,
            entry.summary or f"{len(entry.problems)} known",
        )
        table.add_row(*(escape(word) for word in words))
    return table


def _amount(entry: Entry) -> str:
    """Pictures where their number is known, else what is counted."""
    counts = entry.counts.known
    if "pictures" in counts:
        return f"{counts['pictures']:,}"
    total = sum(counts.values())
    return f"{total:,}{'' if entry.counts.of == 'pictures' else ' faces'}" if total else "not known"


def _lines(entry: Entry) -> Iterator[str]:
    yield f"{entry.name}: {entry.title}"
    yield f"  home      {entry.home}"
    classes = ", ".join(f"{name} = {label}" for name, label in entry.classes.items())
    yield f"  classes   {classes}"
    counts = ", ".join(f"{count:,} {name}" for name, count in entry.counts.known.items())
    yield f"  counts    {counts or 'not known'} (of {entry.counts.of}; {entry.counts.source or 'source not noted'})"
    yield f"  masks     {entry.masks}"
    yield f"  layout    {entry.layout}{f', in {entry.root}' if entry.root else ''}"
    accept = " Has to be accepted with --accept-licence." if entry.licence.accept else ""
    yield f"  licence   {entry.licence.line}.{accept}"
    yield f"  get       {entry.get.how}"
    yield from (f"    {file.url}" for file in entry.get.files)
    yield from (f"    {number}. {step}" for number, step in enumerate(entry.get.steps, start=1))
    if entry.problems:
        yield "  known problems"
        yield from (f"    - {problem.text} [{problem.source}]" for problem in entry.problems)
    if entry.unverified:
        yield "  not verified"
        yield from (f"    - {text}" for text in entry.unverified)
