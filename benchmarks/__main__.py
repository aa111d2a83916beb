"""`python -m benchmarks [NAME ...]` runs them and writes benchmarks/results/NAME.csv."""

import sys
from pathlib import Path

from benchmarks import (
    audit,
    check_stages,
    classifier,
    far_faces,
    input_pipeline,
    reading,
    rendering,
    shortcut,
    study,
    training_step,
)
from benchmarks.table import write

ALL = {
    module.__name__.split(".")[-1]: module
    for module in (
        reading,
        training_step,
        input_pipeline,
        check_stages,
        classifier,
        shortcut,
        study,
        audit,
        rendering,
        far_faces,
    )
}

for name in sys.argv[1:] or ALL:
    print(f"{name}: {ALL[name].__doc__}")
    write(Path(__file__).parent / "results" / f"{name}.csv", ALL[name].measure())
