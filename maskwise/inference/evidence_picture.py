"""Evidence as a picture: the face, the same face in grey with what speaks for and against the answer, and a legend.

Yellow and purple differ in brightness as well as in hue, so that colour-blind eyes and grey printers tell them apart
(both are Okabe and Ito's), and neither is the colour of a verdict. Where nothing matters, the grey face stays grey.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from maskwise.inference.explain import Evidence
from maskwise.inference.lettering import font
from maskwise.model.palette import ink_on, rgb_of
from maskwise.values import Image, Verdict

FOR_RGB, AGAINST_RGB = (240, 228, 66), (204, 121, 167)
PAPER_RGB, INK_RGB = (255, 255, 255), (34, 34, 34)

FACE_PX, EDGE_PX, HEAD_PX, FOOT_PX = 320, 12, 46, 66
"""Side of each face, white around it, and height of what stands above and below."""

SIZE = (2 * FACE_PX + 3 * EDGE_PX, HEAD_PX + FACE_PX + FOOT_PX)
"""Width and height of the picture."""

LARGE_PX, SMALL_PX = 20.0, 14.0
"""Of the text."""

DIMMED, STRONGEST = 0.55, 0.85
"""Brightness of the grey face, which sets off the colours; and how far the strongest evidence covers it."""

FAINTEST = 0.2
"""Log-odds that take full colour at least: they move a probability of 0.5 by 0.05. Less would be noise made bright."""


def draw_evidence(evidence: Evidence, verdict: Verdict) -> Image:
    """Draw one face with its evidence: (432, 676, 3) uint8 RGB.

    Args:
        evidence: of this face.
        verdict: what was said of it; stands above.
    """
    full = max(float(np.abs(evidence.log_odds).max()), FAINTEST)
    sheet = Pillow.new("RGB", SIZE, PAPER_RGB)
    faces = _enlarged(evidence.crop), _coloured(evidence, full)
    for column, face in enumerate(faces):
        sheet.paste(Pillow.fromarray(face), (EDGE_PX + column * (FACE_PX + EDGE_PX), HEAD_PX))
    pen = ImageDraw.Draw(sheet)
    _head(pen, verdict)
    _foot(pen, evidence, full)
    return np.asarray(sheet, np.uint8)


def _enlarged(crop: Image) -> Image:
    return np.asarray(cv2.resize(crop, (FACE_PX, FACE_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def _coloured(evidence: Evidence, full: float) -> Image:
    """The face in grey; the colour's strength is the evidence's, and a line goes round what has half of it or more."""
    grey = cv2.cvtColor(_enlarged(evidence.crop), cv2.COLOR_RGB2GRAY).astype(np.float32) * DIMMED
    strength = cv2.resize(evidence.log_odds, (FACE_PX, FACE_PX), interpolation=cv2.INTER_LINEAR) / full
    colours = np.where(strength[..., None] > 0, FOR_RGB, AGAINST_RGB)
    cover = STRONGEST * np.abs(strength)[..., None]
    face = np.ascontiguousarray(np.round(grey[..., None] * (1 - cover) + colours * cover).astype(np.uint8))
    for sign, colour in ((1, FOR_RGB), (-1, AGAINST_RGB)):
        _outline(face, sign * strength >= 0.5, colour)
    return face


def _outline(face: Image, where: NDArray[np.bool_], colour: tuple[int, int, int]) -> None:
    contours, _ = cv2.findContours(where.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for width, rgb in ((4, (0, 0, 0)), (2, colour)):  # a dark line under the coloured one shows on any face
        cv2.drawContours(face, contours, -1, rgb, width, cv2.LINE_AA)


def _head(pen: ImageDraw.ImageDraw, verdict: Verdict) -> None:
    """The verdict on its colour, and the reason where it is uncertain."""
    words, text = f"{verdict.label} {verdict.confidence:.0%}", font(LARGE_PX)
    middle, right = HEAD_PX // 2, EDGE_PX + text.getlength(words) + 16
    pen.rounded_rectangle((EDGE_PX, middle - 15, right, middle + 15), radius=6, fill=rgb_of(verdict.label))
    pen.text((EDGE_PX + 8, middle), words, fill=ink_on(verdict.label), font=text, anchor="lm")
    if verdict.uncertain_because:
        pen.text((right + 10, middle), verdict.uncertain_because, fill=INK_RGB, font=font(SMALL_PX), anchor="lm")


def _foot(pen: ImageDraw.ImageDraw, evidence: Evidence, full: float) -> None:
    """What the colours mean, and how much full colour stands for."""
    top, text = HEAD_PX + FACE_PX + 10, font(SMALL_PX)
    left = EDGE_PX
    for colour, words in ((FOR_RGB, f"speaks for {evidence.label}"), (AGAINST_RGB, "speaks against it")):
        pen.rectangle((left, top, left + 14, top + 14), fill=colour, outline=INK_RGB)
        pen.text((left + 22, top + 7), words, fill=INK_RGB, font=text, anchor="lm")
        left += 22 + int(text.getlength(words)) + 24
    pen.text((SIZE[0] - EDGE_PX, top + 7), "line: half of full colour", fill=INK_RGB, font=text, anchor="rm")
    words = f"full colour: seen and not covered, it multiplies (purple: divides) the odds by {math.exp(full):.3g}"
    pen.text((EDGE_PX, top + 34), words, fill=INK_RGB, font=text, anchor="lm")
