"""Draws a worn face mask on a bare face, and what is easily taken for one.

The mask is a surface in millimetres over an average face. Five landmarks say how that face stands before the camera, so
turning, nodding and tilting come out by themselves; the surface is then painted as cloth in the light of the picture.
Everything is computed, unless swatches are given, and the same style, face and swatch give the same pixels.

    landmarks -> pose -> surface -> layer (straps, cloth) -> light, shadow, blur and noise of the picture -> picture

    style      what the mask looks like and how it is worn
    kinds      styles at random, by kind of mask
    grid       styles in a fixed table, to measure errors by shape, height and colour
    pose       how the face stands before the camera
    surface    the mask in millimetres, over the average face
    raster     which point of it each pixel shows
    cloth      colour, print and folds there; valve, on top of it
    swatch     real cloth instead, cut from a mask that somebody wears in a photograph
    light      light, blur and noise of the picture
    sitter     what is measured of one face, once for all its masks
    render     all of it in order, laid into the picture
    negatives  no mask: a hand or a cup at the mouth, a beard
"""

from __future__ import annotations

from maskwise.data.masks.grid import GRID, Cell
from maskwise.data.masks.kinds import KINDS, random_kind_style, random_photographed_style
from maskwise.data.masks.negatives import NEGATIVES, draw_negative
from maskwise.data.masks.pose import LANDMARKS_MM, Array, Fit, Pose, fit_pose, fit_to_box
from maskwise.data.masks.render import draw_mask, render_mask
from maskwise.data.masks.sitter import Sitter, sit
from maskwise.data.masks.style import WEARINGS, MaskStyle, Wearing, random_style, wearing_label
from maskwise.data.masks.swatch import cut_swatch

__all__ = [
    "GRID",
    "KINDS",
    "LANDMARKS_MM",
    "NEGATIVES",
    "WEARINGS",
    "Array",
    "Cell",
    "Fit",
    "MaskStyle",
    "Pose",
    "Sitter",
    "Wearing",
    "cut_swatch",
    "draw_mask",
    "draw_negative",
    "fit_pose",
    "fit_to_box",
    "random_kind_style",
    "random_photographed_style",
    "random_style",
    "render_mask",
    "sit",
    "wearing_label",
]
