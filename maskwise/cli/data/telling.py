"""What is told of a manifest: a table for people, or one JSON for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import out, say
from maskwise.errors import ConfigError

if TYPE_CHECKING:
    from maskwise.data.manifest import Manifest

Data = Annotated[list[str], typer.Argument(help="Folders of pictures, COCO or CSV tables, or manifests.")]
Source = Annotated[str | None, typer.Option(help="What the data set is called.  [default: its folder's name]")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary for machines on stdout.")]

_LISTED = 50  # so many unusable rows are listed; the manifest holds them all


def check_output(output: Path) -> None:
    """Refuse a wrong name before a long reading, not after it."""
    if output.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"--output {output}: a manifest is called .parquet or .csv")


def tell(manifest: Manifest, as_json: bool, **more: Any) -> None:
    """A table and what cannot be used for people, or one JSON for machines, on stdout."""
    if as_json:
        typer.echo(json.dumps(_summary(manifest) | more))
        return
    out.print(_table(manifest))
    unusable = reasons(manifest)
    for line in unusable[:_LISTED]:
        out.print(line, markup=False, soft_wrap=True)
    if len(unusable) > _LISTED:
        out.print(f"... and {len(unusable) - _LISTED} more")
    say(f"written: {more['output']}")


def _summary(manifest: Manifest) -> dict[str, Any]:
    from maskwise.data.show import counts_by

    return {
        "rows": manifest.rows.height,
        "usable": manifest.usable.height,
        "labels": {label: int((manifest.usable["label"] == label).sum()) for label in manifest.labels},
        "counts": counts_by(manifest).to_dicts(),
        "fingerprint": manifest.fingerprint(),
        "unusable": manifest.unusable.select("path", "error").to_dicts(),
    }


def _table(manifest: Manifest) -> Any:
    from rich.markup import escape
    from rich.table import Table

    from maskwise.data.show import counts_by

    table = Table("source", "split", *(_right(label) for label in (*manifest.labels, "all")))
    for row in counts_by(manifest).to_dicts():
        numbers = [row[label] for label in manifest.labels]
        table.add_row(escape(row["source"] or ""), row["split"] or "", *(f"{n:,}" for n in (*numbers, sum(numbers))))
    table.add_section()
    totals = [int((manifest.usable["label"] == label).sum()) for label in manifest.labels]
    table.add_row("all", "", *(f"{n:,}" for n in (*totals, sum(totals))))
    return table


def _right(name: str) -> Any:
    from rich.table import Column

    return Column(name, justify="right")


def reasons(manifest: Manifest) -> list[str]:
    """Each unusable row's path and why."""
    return [f"{path}: {error}" for path, error in manifest.unusable.select("path", "error").rows()]
