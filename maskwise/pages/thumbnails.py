"""Small pictures inside the page: faces as JPEG and plots as SVG, each a data URI, so that nothing is fetched."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ImageError
from maskwise.model.crops import CropSpec, cut
from maskwise.model.images import read_image
from maskwise.values import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE_PX = 112
QUALITY = 82
PLOT_DPI = 130


def thumbnails(
    paths: Sequence[str], boxes_xyxy: NDArray[np.float32], spec: CropSpec, side_px: int = SIDE_PX
) -> list[str | None]:
    """What the network saw of each row, as a data URI; None where the picture cannot be read any more.

    Args:
        paths: n pictures.
        boxes_xyxy: (n, 4) float32; nan where the whole picture is the face.
        spec: how the model cuts.
        side_px: of the thumbnail; more than the network sees, since a person looks at it.
    """
    shown = CropSpec(side_px, spec.margin)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path, box: _thumbnail(path, box, shown), paths, boxes_xyxy))


def _thumbnail(path: str, box_xyxy: NDArray[np.float32], spec: CropSpec) -> str | None:
    try:
        crop = cut(read_image(Path(path)), box_xyxy, spec)
    except ImageError:
        return None
    return _jpeg(crop)


def whole_pictures(paths: Sequence[str], side_px: int = SIDE_PX) -> list[str | None]:
    """Pictures made small, each as a data URI; None where one cannot be read any more.

    Args:
        paths: n pictures.
        side_px: of the longer side; smaller pictures are not enlarged.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path: _whole(path, side_px), paths))


def _whole(path: str, side_px: int) -> str | None:
    try:
        image = read_image(Path(path))
    except ImageError:
        return None
    scale = min(1.0, side_px / max(image.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return _jpeg(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))


def _jpeg(image: Image) -> str:
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return data_uri("image/jpeg", encoded.tobytes())


def holds_pictures(figure: Figure) -> bool:
    """Whether a matplotlib figure shows faces, not only figures about them."""
    return any(axes.images for axes in figure.axes)


def plot(figure: Figure) -> str:
    """A matplotlib figure as a data URI; the same figure gives the same bytes.

    Lines become SVG, sharp at any size; a grid of faces becomes WebP, a tenth of what it weighs as SVG.
    """
    file = io.BytesIO()
    if holds_pictures(figure):
        figure.savefig(file, format="webp", dpi=PLOT_DPI, bbox_inches="tight", pil_kwargs={"quality": QUALITY})
        return data_uri("image/webp", file.getvalue())
    with mpl.rc_context({"svg.hashsalt": "maskwise", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    return data_uri("image/svg+xml", file.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
