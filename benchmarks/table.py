"""Rows to the screen and to CSV."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Print the rows and write them, each with the machine it was measured on."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    with path.open("w", newline="") as file:
        columns = dict.fromkeys(key for row in rows for key in row)  # rows may lack some: a dict keeps the order
        writer = csv.DictWriter(file, [*columns, "machine"])
        writer.writeheader()
        for row in rows:
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            writer.writerow(row | {"machine": machine})
