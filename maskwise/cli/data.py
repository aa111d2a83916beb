"""`maskwise data`: take data in, look at it, split it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import out, say
from maskwise.cli.reading import Alias, Classes, Format, amount, read_data
from maskwise.errors import ConfigError, DataError

if TYPE_CHECKING:
    from maskwise.data.manifest import Manifest

app = typer.Typer(help="Take data in, look at it, split it.", no_args_is_help=True)

Data = Annotated[list[str], typer.Argument(help="Folders of pictures, or manifests (.csv, .parquet).")]
Source = Annotated[str | None, typer.Option(help="What the data set is called.  [default: its folder's name]")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary for machines on stdout.")]

_LISTED = 50  # so many unusable rows are listed; the manifest holds them all


@app.command("import")
def import_(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet or .csv.")] = Path(
        "manifest.parquet"
    ),
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Read data sets of any known layout, prove every picture, and write one manifest."""
    _check_output(output)
    manifest = read_data(data, format_, alias, classes, source)
    if not manifest.usable.height:
        raise DataError(f"none of {manifest.rows.height} rows can be used; the first: {_reasons(manifest)[0]}")
    manifest.save(output)
    _report(manifest, as_json, output=str(output))


@app.command()
def show(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for samples, balance and sizes (PNG).")] = Path(
        "data-report"
    ),
    each: Annotated[int, typer.Option(min=1, max=400, help="Sample faces of each class.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of samples.")] = 0,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Draw what is in the data: sample faces, class balance, face sizes; list what cannot be read."""
    manifest = read_data(data, format_, alias, classes, source)
    save_figures(manifest, output, each=each, seed=seed)
    _report(manifest, as_json, output=str(output))


@app.command()
def split(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet or .csv.")] = Path(
        "split.parquet"
    ),
    by: Annotated[
        str, typer.Option(help="grouped, random (as the study did) or given (the column split).")
    ] = "grouped",
    validation: Annotated[str, typer.Option(help="Count of rows, or share below 1.")] = "0.2",
    test: Annotated[str, typer.Option(help="Count of rows, or share below 1.")] = "0",
    seed: Annotated[int, typer.Option(min=0, help="Of the lot.")] = 0,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
    source: Source = None,
    as_json: Json = False,
) -> None:
    """Say which row is trained on and which is tested on; people, scenes and copies stay on one side."""
    from maskwise.data.formats import check_trainable
    from maskwise.data.splits import split as draw
    from maskwise.data.splits import straddling

    _check_output(output)
    sizes = {"validation": amount("--validation", validation), "test": amount("--test", test)}
    manifest = read_data(data, format_, alias, classes, source)
    check_trainable(manifest)
    manifest = draw(manifest, by=by, seed=seed, **sizes)  # type: ignore[arg-type]  # draw checks the word
    manifest.save(output)
    kinds = straddling(manifest)["kind"].to_list()
    leaks = {kind: kinds.count(kind) for kind in ("group", "copy", "picture")}
    _report(manifest, as_json, output=str(output), in_several_splits=leaks)
    if any(leaks.values()) and not as_json:
        out.print(
            f"In more than one split: {leaks['group']} groups, {leaks['copy']} exact copies, "
            f"{leaks['picture']} pictures with several boxes. Figures measured on this split flatter.",
            soft_wrap=True,
        )


def save_figures(manifest: Manifest, folder: Path, *, each: int = 24, seed: int = 0) -> None:
    """Write samples.png, balance.png and sizes.png.

    Raises:
        DataError: no usable row.
        StorageError: the folder cannot be written.
    """
    from maskwise.data import show as pictures

    pictures.save(pictures.samples(manifest, each=each, seed=seed), folder / "samples.png")
    pictures.save(pictures.balance(manifest), folder / "balance.png")
    pictures.save(pictures.sizes(manifest), folder / "sizes.png")


def _check_output(output: Path) -> None:
    """Refuse a wrong name before a long reading, not after it."""
    if output.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"--output {output}: a manifest is called .parquet or .csv")


def _report(manifest: Manifest, as_json: bool, **more: Any) -> None:
    """A table and what cannot be used for people, or one JSON for machines, on stdout."""
    if as_json:
        typer.echo(json.dumps(_summary(manifest) | more))
        return
    out.print(_table(manifest))
    reasons = _reasons(manifest)
    for line in reasons[:_LISTED]:
        out.print(line, markup=False, soft_wrap=True)
    if len(reasons) > _LISTED:
        out.print(f"... and {len(reasons) - _LISTED} more")
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


def _reasons(manifest: Manifest) -> list[str]:
    return [f"{path}: {error}" for path, error in manifest.unusable.select("path", "error").rows()]
