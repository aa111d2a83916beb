"""`maskwise data film`: a film whose people are known, and the list of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import progress, say
from maskwise.errors import ConfigError, StorageError


def run(
    output: Annotated[Path, typer.Argument(help="The film, .mp4; the list goes beside it as .csv.")],
    scenario: Annotated[
        str,
        typer.Option(
            help="puts_on, takes_off, slips_under_nose, leaves, two_cross, beard_and_hand or empty_room; who does what."
        ),
    ] = "puts_on",
    seconds: Annotated[float, typer.Option(help="How long.")] = 12.0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels.")] = "640x480",
    rate: Annotated[float, typer.Option(min=1, max=120, help="Frames a second.")] = 25.0,
    seed: Annotated[int, typer.Option(min=0, help="Of people, masks and noise.")] = 0,
) -> None:
    """Make a film of embedded faces and drawn masks, with the truth for `maskwise evaluate --video`."""
    from maskwise.data import clips
    from maskwise.stream.measuring.truth import COLUMNS
    from maskwise.stream.outputs.mp4 import Mp4

    if output.suffix.lower() != ".mp4":
        raise ConfigError(f"{output}: films are written as .mp4; give a name that ends so")
    size_wh = _size(size)
    actors = clips.scenario(scenario, seconds, seed=seed)
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(COLUMNS)
    with Mp4(output, rate=rate) as video, progress("filming") as hook:
        for frame, there in clips.film(actors, seconds, rate, size_wh, seed):
            time_s = frame.time_s or 0.0
            video.write(frame.image, time_s)
            for one in there:
                box = (f"{v:.1f}" for v in one.box_xyxy)
                table.writerow([f"{time_s:.4f}", f"actor {one.actor + 1}", *box, one.label])
            hook(frame.index + 1, round(seconds * rate))
    listed = output.with_suffix(".csv")
    try:
        listed.write_text(rows.getvalue(), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {listed}: {error.strerror or error}") from error
    say(f"film: {output}\nlist of people: {listed}")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 64 <= int(width) <= 7680 and 64 <= int(height) <= 4320):
        raise ConfigError(f"--size {text!r}: expected WIDTHxHEIGHT from 64x64 to 7680x4320, as in 640x480")
    return int(width), int(height)
