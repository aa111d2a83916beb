"""`maskwise data audit`: whether a score on this data would mean anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from maskwise.cli.console import out, say, stages
from maskwise.cli.data.telling import Data, Source
from maskwise.cli.engines import Address, NameIfAny, Workers, engine_if_asked
from maskwise.cli.reading import Alias, Classes, Format, read_data
from maskwise.errors import ConfigError

_MARKS = {"red": "[bold red]stop[/]", "amber": "[yellow]care[/]", "green": "[green]fine[/]"}


def run(
    data: Data,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for audit.html, audit.json and tables.")
    ] = Path("audit"),
    against: Annotated[
        list[str] | None, typer.Option(help="Another data set, which must share no picture with DATA.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Artifact to doubt labels with.  [default: a plain classifier fitted on DATA]")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit 1 where a finding of these kinds is not fine: leak,contradiction,...")
    ] = None,
    faces: Annotated[bool, typer.Option(help="Look for faces, for the flags no_face and several_faces.")] = True,
    pictures: Annotated[bool, typer.Option(help="Put pictures into the page.")] = True,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    engine: NameIfAny = None,
    address: Address = None,
    workers: Workers = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print audit.json on stdout.")] = False,
) -> None:
    """Find copies, leaks, shortcuts and doubtful labels, and say whether a score on this data would mean anything."""
    from maskwise.data.audit.audit import SHELF, audit
    from maskwise.data.audit.judging import ArtifactJudge
    from maskwise.data.audit.page import write_audit
    from maskwise.data.audit.shelf import clear
    from maskwise.model.faces import YuNet

    kinds = _kinds(fail_on)
    who = engine_if_asked(engine, address, workers)
    judge = ArtifactJudge(model) if model else None
    manifest = read_data(data, format_, alias, classes, source)
    other = read_data(against, format_, alias, classes) if against else None
    with stages() as hear:
        found = audit(
            manifest,
            output,
            against=other,
            against_name=", ".join(Path(name).name for name in against or ()),
            detect=YuNet(threads=1 if who else 0) if faces else None,
            engine=who,
            judge=judge,
            hear=hear,
        )
    page = write_audit(found, output, title=source or ", ".join(Path(name).name for name in data), pictures=pictures)
    clear(output / SHELF)
    if as_json:
        typer.echo(json.dumps(found.content))
    else:
        _tell(found.content)
    say(f"written: {page}")
    if any(f["kind"] in kinds and f["level"] != "green" for f in found.content["findings"]):
        raise typer.Exit(1)


def _kinds(text: str | None) -> set[str]:
    from maskwise.data.audit.findings import KINDS

    kinds = {kind.strip() for kind in (text or "").split(",") if kind.strip()}
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise ConfigError(f"--fail-on {unknown[0]!r} is not known; use any of {','.join(KINDS)}")
    return kinds


def _tell(content: dict[str, Any]) -> None:
    level = content["verdict"]["level"]
    out.print(f"{_MARKS[level]} [bold]{content['verdict']['says']}[/]")
    for finding in content["findings"]:
        out.print(f"{_MARKS[finding['level']]} ", end="")
        out.print(finding["says"], markup=False, soft_wrap=True)
        if finding["do"]:
            out.print(f"     → {finding['do']}", markup=False, soft_wrap=True, style="dim")
