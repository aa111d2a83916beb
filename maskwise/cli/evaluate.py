"""`maskwise evaluate`: what an artifact is worth on pictures whose classes are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import err, out, say
from maskwise.cli.reading import Alias, Classes, Format, check_asked, read_data


def run(
    artifact: Annotated[Path, typer.Argument(help="The model's folder, or default.")],
    data: Annotated[list[str] | None, typer.Option("--data", help="Folder or manifest; repeat for several.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of a manifest: train, validation or test.")] = None,
    out_: Annotated[Path | None, typer.Option("--out", help="Folder for report and predictions.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="report.json on stdout.")] = False,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
) -> None:
    """Measure an artifact: confusion, recall, precision, F1, ROC, each with its interval; HTML, JSON and CSV."""
    import json

    from maskwise.cli.console import progress
    from maskwise.cli.figures import print_evaluation
    from maskwise.model.artifact import folder_of
    from maskwise.training.measure import measure_artifact
    from maskwise.training.report import write_report

    named = check_asked(data, split)
    manifest = read_data(named, format_, alias, classes)
    with progress("judging") as hook:
        measured = measure_artifact(folder_of(artifact), manifest, split=split, progress=hook)
    folder = out_ or Path("runs") / f"evaluation-{Path(named[0]).stem}"
    write_report(measured, folder)
    if json_:
        out.print_json(json.dumps(measured.to_json()))
    else:
        print_evaluation(measured.to_json(), err if json_ else out)
    say(f"report: {folder / 'report.html'}")
