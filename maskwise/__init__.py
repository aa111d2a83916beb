"""maskwise: find every face, say how its mask is worn, and say how far the answer can be trusted.

>>> import maskwise
>>> checker = maskwise.load("runs/study/artifact")  # doctest: +SKIP
>>> checker("hall.jpg").verdicts  # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskwise.errors import MaskwiseError
    from maskwise.inference.checker import Checker, load
    from maskwise.values import CLASSES, UNCERTAIN, Faces, Frame, FrameResult, Verdict

__version__ = "0.1.0"

# ONNX Runtime reports to its maker unless it is told not to before it is imported, and leaves files at the user's home.
# Whoever set the variable has decided already. See docs/decisions/0018.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOME = {
    "CLASSES": "maskwise.values",
    "Checker": "maskwise.inference.checker",
    "Faces": "maskwise.values",
    "Frame": "maskwise.values",
    "FrameResult": "maskwise.values",
    "MaskwiseError": "maskwise.errors",
    "UNCERTAIN": "maskwise.values",
    "Verdict": "maskwise.values",
    "load": "maskwise.inference.checker",
}

__all__ = [
    "CLASSES",
    "UNCERTAIN",
    "Checker",
    "Faces",
    "Frame",
    "FrameResult",
    "MaskwiseError",
    "Verdict",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    """Load a public name's home when it is first asked for (PEP 562): `import maskwise` stays instant."""
    if name not in _HOME:
        raise AttributeError(f"module 'maskwise' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
