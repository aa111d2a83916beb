"""Pictures of a data set: what is in it, how much of what, and how large the faces are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX, FACE_SIDE, SPLITS
from maskwise.errors import DataError, ImageError, StorageError
from maskwise.model.crops import CropSpec, crop_face, crop_whole
from maskwise.model.images import read_image
from maskwise.model.palette import COLOURS
from maskwise.values import INCORRECT, Image

CROP = CropSpec(size_px=128)
_INK = {INCORRECT: "black"}  # white on orange is hard to read
_TICKS_PX = [step * 10**power for power in range(5) for step in (1, 1.5, 2, 3, 5, 7)]


def samples(manifest: Manifest, *, each: int = 24, seed: int = 0, columns: int = 8) -> Figure:
    """Faces of each label, drawn by lot and cut as training cuts them.

    Args:
        manifest: with at least one usable row.
        each: at most so many of a label.
        seed: of the lot.
        columns: faces side by side.

    Raises:
        DataError: no usable row.
    """
    _check_usable(manifest)
    drawn = {label: _draw(manifest, label, each, seed) for label in manifest.labels}
    heights = [-(-len(rows) // columns) for rows in drawn.values()]
    figure = _figure(columns * 1.1, sum(heights) * 1.1 + 0.45 * len(heights))
    grid = figure.add_gridspec(len(drawn), 1, height_ratios=[h + 0.3 for h in heights])
    for i, (label, rows) in enumerate(drawn.items()):
        crops = [_cut(*row) for row in rows.select("path", *BOX).rows()]
        total = (manifest.usable["label"] == label).sum()
        axes = figure.add_subplot(grid[i, 0])
        axes.imshow(_sheet(crops, columns), interpolation="antialiased")
        axes.set_title(f"{label}   {len(rows)} of {total:,}", loc="left", color=COLOURS[label], weight="bold")
        axes.set_axis_off()
    return figure


def balance(manifest: Manifest) -> Figure:
    """How many faces of each label there are, for each source and split."""
    _check_usable(manifest)
    counts = counts_by(manifest)
    names = [
        f"{source}, {split}" if split else f"{source}" for source, split in counts.select("source", "split").rows()
    ]
    figure = _figure(8, 1.3 + 0.42 * len(names))
    axes = figure.add_subplot()
    left = np.zeros(len(names))
    total = counts.select(manifest.labels).to_numpy().sum()
    for label in manifest.labels:
        values = counts[label].to_numpy()
        bars = axes.barh(names, values, left=left, color=COLOURS[label], label=label, edgecolor="white")
        texts = [f"{v:,}" if v > 0.04 * max(total / len(names), values.max()) else "" for v in values]
        axes.bar_label(bars, texts, label_type="center", color=_INK.get(label, "white"), fontsize=8)
        left += values
    axes.invert_yaxis()
    axes.set_xlabel("faces")
    _legend_above(axes)
    return figure


def sizes(manifest: Manifest) -> Figure:
    """How large the faces are: the shorter side of the box, or of the picture where there is none, in pixels."""
    _check_usable(manifest)
    rows = face_sizes(manifest)
    low, high = float(rows["side_px"].min() or 1), float(rows["side_px"].max() or 1)  # type: ignore[arg-type]
    edges = np.geomspace(max(low, 1) / 1.3, max(high, 2) * 1.3, 40).tolist()  # never so narrow that no tick falls in
    figure = _figure(8, 3.6)
    axes = figure.add_subplot()
    for label in manifest.labels:
        side_px = rows.filter(pl.col("label") == label)["side_px"].to_numpy()
        name = f"{label}, median {np.median(side_px):.0f} px"
        axes.hist(side_px, edges, histtype="stepfilled", color=COLOURS[label], alpha=0.2)
        axes.hist(side_px, edges, histtype="step", color=COLOURS[label], linewidth=1.8, label=name)
    axes.set_xscale("log")
    axes.set_xticks([t for t in _TICKS_PX if edges[0] <= t <= edges[-1]])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("shorter side of the face in pixels")
    axes.set_ylabel("faces")
    _legend_above(axes)
    return figure


def counts_by(manifest: Manifest) -> pl.DataFrame:
    """Usable rows of each label for each source and split: columns source, split, then the labels."""
    order = pl.Enum(SPLITS)
    return (
        manifest.usable.with_columns(pl.col("split").cast(order))
        .group_by("source", "split")
        .agg((pl.col("label") == label).sum().cast(pl.Int64).alias(label) for label in manifest.labels)
        .sort("source", "split", nulls_last=True)
        .with_columns(pl.col("split").cast(pl.String))
    )


def face_sizes(manifest: Manifest) -> pl.DataFrame:
    """Usable rows as label and side_px, the shorter side of the box or else of the picture."""
    return manifest.usable.select("label", side_px=FACE_SIDE)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", dpi=150)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def _check_usable(manifest: Manifest) -> None:
    if not manifest.usable.height:
        raise DataError(f"nothing to show: none of {manifest.rows.height} rows is usable; look at their errors")


def _figure(width_in: float, height_in: float) -> Figure:
    """A figure with its own canvas; pyplot would keep every figure of the process alive."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _draw(manifest: Manifest, label: str, each: int, seed: int) -> pl.DataFrame:
    rows = manifest.usable.filter(pl.col("label") == label).sort("source", "sha256", *BOX, "path")
    chosen = np.sort(np.random.default_rng(seed).permutation(rows.height)[:each])
    return rows.filter(pl.int_range(pl.len()).is_in(chosen.tolist()))


def _cut(path: str, *box: float | None) -> Image:
    """One face; grey where its picture can no longer be read."""
    corners = [side for side in box if side is not None]
    try:
        image = read_image(Path(path))
    except ImageError:
        return np.full((CROP.size_px, CROP.size_px, 3), 200, np.uint8)
    return crop_face(image, corners, CROP) if corners else crop_whole(image, CROP)


def _sheet(crops: list[Image], columns: int, gap_px: int = 4) -> Image:
    """Crops side by side on white, (height, width, 3); the last line may be short."""
    step = CROP.size_px + gap_px
    sheet = np.full((-(-len(crops) // columns) * step, columns * step, 3), 255, np.uint8)
    for i, crop in enumerate(crops):
        top, left = i // columns * step, i % columns * step
        sheet[top : top + CROP.size_px, left : left + CROP.size_px] = crop
    return sheet


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
