"""Draws a worn face mask on a bare face.

The mask is a surface in millimetres over an average face. Five landmarks say how that face stands before the camera, so
turning, nodding and tilting come out by themselves; the surface is then painted as cloth in the light of the picture.
No pictures of masks are used: everything is computed, and the same style and face give the same pixels.

    landmarks -> pose -> surface -> layer (straps, cloth) -> light, shadow, blur and noise of the picture -> picture

    style     what the mask looks like and how it is worn
    pose      how the face stands before the camera
    surface   the mask in millimetres, over the average face
    raster    which point of it each pixel shows
    cloth     colour, print and folds there
    light     light, blur and noise of the picture
    render    all of it in order, laid into the picture
"""

from __future__ import annotations

from maskwise.data.masks.pose import LANDMARKS_MM, Array, Fit, Pose, fit_pose, fit_to_box
from maskwise.data.masks.render import render_mask
from maskwise.data.masks.style import MaskStyle, Wearing, random_style

__all__ = [
    "LANDMARKS_MM",
    "Array",
    "Fit",
    "MaskStyle",
    "Pose",
    "Wearing",
    "fit_pose",
    "fit_to_box",
    "random_style",
    "render_mask",
]
