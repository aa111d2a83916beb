"""`maskwise compare`: whether one artifact is better than another, on the same pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import out, say, stages
from maskwise.cli.figures import figure
from maskwise.cli.reading import Alias, Classes, Format, check_asked, read_data
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

WORSE = "worse"


def run(
    a: Annotated[Path, typer.Argument(metavar="A", help="The one model's folder, or default.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other one's; differences are B less A.")],
    data: Annotated[list[str] | None, typer.Option("--data", help="Folder or manifest; repeat for several.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of a manifest: train, validation or test.")] = None,
    out_: Annotated[Path | None, typer.Option("--out", help="Folder for report and predictions.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="compare.json on stdout.")] = False,
    fail_on: Annotated[str, typer.Option(help="worse: exit with 1 if B is clearly worse than A.")] = "",
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
) -> None:
    """Compare two artifacts on the same faces: a paired test, differences with intervals, slices, disagreements.

    Exit code 1: B is clearly worse, and --fail-on worse was given.
    """
    if fail_on not in ("", WORSE):
        raise UsageError(f"--fail-on {fail_on!r}: use {WORSE}")
    named = check_asked(data, split)

    import json

    from maskwise.model.artifact import folder_of, read_card
    from maskwise.training.compare.artifacts import check_comparable, compare_artifacts
    from maskwise.training.compare.report import HTML_NAME, write_comparison

    a, b = folder_of(a), folder_of(b)
    check_comparable(read_card(a), read_card(b))  # a wrong folder should not cost the reading of the data
    manifest = read_data(named, format_, alias, classes)
    with stages() as hook:
        comparison = compare_artifacts(a, b, manifest, split=split, progress=hook)
    folder = out_ or Path("runs") / f"compare-{Path(named[0]).stem}"
    write_comparison(comparison, folder)
    found = comparison.to_json()
    if json_:
        out.print_json(json.dumps(found))
    else:
        print_comparison(found, out)
    say(f"report: {folder / HTML_NAME}")
    if fail_on == WORSE and found["clearly"] == WORSE:
        raise typer.Exit(1)


def print_comparison(found: Mapping[str, Any], console: Console) -> None:
    """The verdict, the figures of both side by side, and what makes them weaker than they look."""
    from rich.table import Table

    console.print(found["verdict"], markup=False, soft_wrap=True)
    table = Table(
        "", "faces", *(f"{name.upper()}: {m['name']}" for name, m in found["models"].items()), "B less A", "p"
    )
    for name, row in _rows(found).items():
        table.add_row(name, str(row["n"]), figure(row["a"]), figure(row["b"]), _signed(row["difference"]), _p(row["p"]))
    for name, key, text in (("calibration error", "calibration_error", figure), ("model.onnx", "models", _size)):
        table.add_row(name, "", *(text(found[key][model]) for model in "ab"), "", "")
    table.add_row("ms for a face", "", *(f"{found['models'][m]['ms_per_face']['mean']:.2f}" for m in "ab"), "noisy", "")
    console.print(table)
    outcomes = found["outcomes"]
    console.print(
        f"both right {outcomes['both_right']}, only A {outcomes['only_a']}, only B {outcomes['only_b']}, both wrong "
        f"{outcomes['both_wrong']}; {found['disagreements']['n']} answers differ",
        markup=False,
    )
    for sentence in found["summary"][1:]:
        console.print(sentence, markup=False, soft_wrap=True)
    for warning in found["warnings"]:
        console.print("[yellow]![/] ", end="")
        console.print(warning, markup=False, soft_wrap=True)


def _rows(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    n = found["n"]
    return {
        "accuracy": {"n": n, **found["accuracy"], "p": found["p"]},
        "balanced accuracy": {"n": n, **found["balanced_accuracy"], "p": None},
        **{f"recall of {name}": {**row, "p": row["p_adjusted"]} for name, row in found["per_class"].items()},
    }


def _signed(difference: Mapping[str, Any]) -> str:
    if difference["value"] is None:
        return "–"
    return f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _size(model: Mapping[str, Any]) -> str:
    return f"{model['model_onnx_bytes'] / 1e6:.2f} MB"
