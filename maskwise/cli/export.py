"""`maskwise export`: a trained model in the form that another program or a smaller machine needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskwise.cli.console import out, say, stages
from maskwise.cli.figures import figure
from maskwise.cli.reading import Alias, Classes, Format, read_data
from maskwise.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

WRITTEN = ("int8", "onnx")
WHY_NOT = {
    "openvino": "OpenVINO reads ONNX itself: use --to onnx, and openvino.Core().read_model on the file",
    "torchscript": "PyTorch has deprecated TorchScript, and such a file runs code when it is loaded: use --to onnx, or "
    "model.safetensors with maskwise.model.networks.build",
}
"""Asked for, and not written on purpose: docs/decisions/0013."""


def run(
    artifact: Annotated[Path, typer.Argument(help="The model's folder, or default.")],
    to: Annotated[str, typer.Option("--to", help="int8 (a smaller, faster artifact) or onnx (one file).")],
    data: Annotated[
        list[str] | None, typer.Option("--data", help="For int8: pictures like yours, in classes; repeat for several.")
    ] = None,
    out_: Annotated[
        Path | None, typer.Option("--out", help="Where to.  [default: ARTIFACT-int8 or ARTIFACT.onnx]")
    ] = None,
    crops: Annotated[int, typer.Option(help="For int8: faces to measure ranges on.")] = 256,
    max_flips: Annotated[float, typer.Option(help="For int8: largest share of labels that may change.")] = 0.02,
    keep: Annotated[
        list[str] | None, typer.Option(help="For int8: copy `weights` or `report` too; repeat for both.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="What was written, and the parity, on stdout.")] = False,
    format_: Format = "auto",
    alias: Alias = None,
    classes: Classes = None,
) -> None:
    """Write a model as int8, proved against float32 on your pictures, or as one ONNX file that explains itself."""
    if to in WHY_NOT:
        raise UsageError(f"--to {to} is not written: {WHY_NOT[to]}")
    if to not in WRITTEN:
        raise UsageError(f"--to {to!r}: use one of {', '.join(WRITTEN)}")

    from maskwise.model.artifact import ONNX_NAME, folder_of, read_card

    source = folder_of(artifact)
    if to == "onnx":
        _onnx(source, out_ or _beside(artifact, ".onnx"), json_)
        return
    if not data:
        raise UsageError("--data is missing: int8 measures its ranges on pictures like yours and proves itself there")

    from maskwise.training.int8 import export_int8

    read_card(source)  # a wrong folder should not cost the reading of the data
    target = out_ or _beside(artifact, "-int8")
    manifest = read_data(data, format_, alias, classes)
    with stages() as hook:
        parity = export_int8(
            source, manifest, target, crops=crops, max_flips=max_flips, keep=keep or (), progress=hook
        ).to_json()
    sizes = {name: (folder / ONNX_NAME).stat().st_size for name, folder in (("fp32", source), ("int8", target))}
    if json_:
        _print_json({"written": str(target), "model_onnx_bytes": sizes, "parity": parity})
    else:
        print_parity(parity, sizes, out)
    say(f"artifact: {target}")


def print_parity(parity: Mapping[str, Any], sizes: Mapping[str, int], console: Console) -> None:
    """Every form beside float32: what changed, and what it is worth by itself."""
    from rich.table import Table

    table = Table("form", "model.onnx", "labels changed (95 % interval)", "largest", "mean", "balanced accuracy")
    for name, form in parity["forms"].items():
        size = f"{sizes[name] / 1e6:.1f} MB" if name in sizes else "–"
        flips = f"{form['flips']} of {parity['n']}: {figure(form['flip_share'])}"
        differences = (f"{form[key]:.2g}" for key in ("max_difference", "mean_difference"))
        table.add_row(name, size, flips, *differences, figure(form["balanced_accuracy"]))
    console.print(table)
    said = f"compared with fp32 on {parity['n']} faces; calibrated on {parity['calibration_crops']} others"
    console.print(f"{said}; largest and mean: difference in a probability", markup=False)


def _onnx(artifact: Path, target: Path, json_: bool) -> None:
    from maskwise.training.single_file import write_single_file

    metadata = write_single_file(artifact, target)
    if json_:
        _print_json({"written": str(target), "metadata": metadata})
    say(f"file: {target}")


def _print_json(content: Mapping[str, Any]) -> None:
    import json

    out.print_json(json.dumps(content))


def _beside(artifact: Path, ending: str) -> Path:
    """The same name with another ending; `.` has none, its folder has."""
    resolved = artifact.resolve()
    return resolved.with_name(resolved.name + ending)
