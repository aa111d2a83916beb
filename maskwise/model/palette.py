"""The colour of each verdict, in every figure, overlay and page; told apart by colour-blind eyes (Okabe and Ito)."""

from __future__ import annotations

from maskwise.values import INCORRECT, MASKED, UNCERTAIN, UNMASKED

COLOURS: dict[str, str] = {
    MASKED: "#0072B2",
    INCORRECT: "#E69F00",
    UNMASKED: "#D55E00",
    UNCERTAIN: "#7F7F7F",
}
"""Hex RGB of each class and of `uncertain`."""
