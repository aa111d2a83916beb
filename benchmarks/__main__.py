"""`python -m benchmarks [NAME ...]` runs them and writes benchmarks/results/NAME.csv."""

import sys
from pathlib import Path

from benchmarks import check_stages, input_pipeline, training_step
from benchmarks.table import write

ALL = {
    "training_step": training_step.measure,
    "input_pipeline": input_pipeline.measure,
    "check_stages": check_stages.measure,
}

for name in sys.argv[1:] or ALL:
    print(f"{name}: {sys.modules[ALL[name].__module__].__doc__}")
    write(Path(__file__).parent / "results" / f"{name}.csv", ALL[name]())
