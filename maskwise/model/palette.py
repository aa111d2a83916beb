"""The colour of each verdict, in every figure, overlay and page; told apart by colour-blind eyes (Okabe and Ito)."""

from __future__ import annotations

from maskwise.values import INCORRECT, MASKED, NOT_A_FACE, UNCERTAIN, UNMASKED

COLOURS: dict[str, str] = {
    MASKED: "#0072B2",
    INCORRECT: "#E69F00",
    UNMASKED: "#D55E00",
    UNCERTAIN: "#7F7F7F",
    NOT_A_FACE: "#565656",
}
"""Hex RGB of each class, of `uncertain`, and of what is not a face."""

RGB = tuple[int, int, int]


def rgb_of(verdict: str) -> RGB:
    """Red, green and blue of a verdict's colour, each 0 to 255."""
    value = COLOURS[verdict]
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def ink_on(verdict: str) -> RGB:
    """Black or white, whichever stands out more from the verdict's colour (WCAG 2.2, contrast ratio)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb_of(verdict))]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255)
