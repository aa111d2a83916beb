"""`maskwise bench`: how fast this machine watches."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import err, out, say
from maskwise.cli.streams import one_thread_each, size_of

if TYPE_CHECKING:
    from rich.table import Table

    from maskwise.stream.measuring.bench import Bench


def run(
    video: Annotated[Path | None, typer.Argument(help="A video like yours; a made-up one if left out.")] = None,
    model: Annotated[
        str, typer.Option(help="Folder of the artifact; default is the one that comes along.")
    ] = "default",
    size: Annotated[str, typer.Option(help="Of the made-up video.")] = "640x480",
    faces: Annotated[int, typer.Option(min=0, max=10, help="In the made-up video.")] = 4,
    looks: Annotated[
        float, typer.Option(min=0, help="How often a second faces are looked for; 0: in every frame.")
    ] = 10.0,
    min_face: Annotated[int, typer.Option(help="Smallest face that matters, px: 40, 24 or 16.")] = 40,
    frames: Annotated[int, typer.Option(min=30, help="Frames that are used at most.")] = 600,
    threads: Annotated[int, typer.Option(min=0, help="For the network; 0 takes every core.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Measure each stage, the whole with and without overlap, how late a live picture is, and the memory.

    Watches a video three times and writes an annotated copy each time, as `watch --video` does; the copies are removed.
    """
    from maskwise.inference.checker import load
    from maskwise.stream.measuring.bench import bench
    from maskwise.stream.watching import Watching

    one_thread_each()
    checker = load(model, threads=threads, min_face_px=min_face)
    with tempfile.TemporaryDirectory() as folder:
        film = video or _made_up(Path(folder) / "film.mp4", size_of(size), faces, min(frames, 300))
        measured = bench(film, checker.pipeline, Watching(looks_per_s=looks), _say_on_terminal, frames)
    if json_:
        typer.echo(json.dumps(measured.to_json()))
    else:
        out.print(_table(measured))
        for line in _lines(measured):
            out.print(line, markup=False, soft_wrap=True)


def _say_on_terminal(what: str) -> None:
    if err.is_terminal:
        say(what)


def _made_up(path: Path, size_wh: tuple[int, int], faces: int, frames: int) -> Path:
    from maskwise.data.clips import crowd, film
    from maskwise.stream.outputs.mp4 import Mp4

    with Mp4(path, 30.0) as file:
        for frame, _ in film(crowd(faces, size_wh), frames / 30, 30.0, size_wh):
            file.write(frame.image, frame.time_s or 0.0)
    return path


def _table(measured: Bench) -> Table:
    from rich.table import Table

    table = Table("stage", "ms a frame", "share", "ms a look")
    whole = sum(measured.ms.values())
    for stage, value in measured.ms.items():
        each = measured.each_ms.get(stage)
        table.add_row(stage, f"{value:.2f}", f"{value / whole:.0%}", "" if each is None else f"{each:.1f}")
    table.add_row("together", f"{whole:.2f}", "", "")
    return table


def _lines(measured: Bench) -> list[str]:
    m, late = measured, measured.latency
    return [
        f"{m.width} x {m.height}, {m.frames} frames, {m.looks} looked at, {m.faces:g} faces in each; {m.cores} cores",
        f"one stage after the other {m.sequential:.0f} frames/s, side by side {m.overlapped:.0f} "
        f"({m.overlapped / m.sequential:.2f} times), {m.overlapped / m.bound:.0%} of the {m.bound:.0f} that "
        f"{m.bound_by} would allow",
        f"live at {late.rate:.0f} frames/s: said after {late.p50_ms:.0f} ms (median), {late.p95_ms:.0f} ms (95 %), "
        f"{late.p99_ms:.0f} ms (99 %), at most {late.longest_ms:.0f} ms; n {late.n}",
        f"memory {m.memory_mb:.0f} MB, {m.growth_mb:+.0f} MB since the first hundred frames",
    ]
