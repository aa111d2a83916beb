"""`maskwise data film`: a film whose people are known, and the list of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import progress, say
from maskwise.cli.streams import size_of
from maskwise.errors import ConfigError


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
    from maskwise.model.storage import write_text
    from maskwise.stream.measuring.truth import COLUMNS
    from maskwise.stream.outputs.mp4 import Mp4

    if output.suffix.lower() != ".mp4":
        raise ConfigError(f"{output}: films are written as .mp4; give a name that ends so")
    size_wh = size_of(size)
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
    write_text(listed, rows.getvalue())
    say(f"film: {output}\nlist of people: {listed}")
