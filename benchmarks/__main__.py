"""`python -m benchmarks [NAME ...]` runs them and writes benchmarks/results/NAME.csv."""

import sys
from importlib import import_module
from pathlib import Path

from benchmarks.table import write

ALL = (
    "reading",
    "training_step",
    "input_pipeline",
    "check_stages",
    "classifier",
    "shortcut",
    "study",
    "audit",
    "rendering",
    "far_faces",
    "overlay",
    "watching_people",
    "streams",
    "stream_memory",
    "serve_check",
    "serve_soak",
    "serve_start",
    "inside_browser",
    "serve_page",
    "batch_speed",
    "engines",
    "batch_memory",
    "ray_nodes",
    "reduced_decoding",
    "gpu_training",
    "shuffling",
)

for name in sys.argv[1:] or ALL:
    module = import_module(f"benchmarks.{name}")
    print(f"{name}: {module.__doc__}")
    write(Path(__file__).parent / "results" / f"{name}.csv", module.measure())
