"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maskwise.errors import ConfigError, StorageError
from maskwise.model.storage import PARTIAL


def check_new(output: Path) -> None:
    """Refuse a folder that holds something: what lies there would mix with what is written.

    Raises:
        ConfigError: there is a file, or a folder that is not empty.
    """
    try:
        taken = output.exists() and not (output.is_dir() and not any(output.iterdir()))
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror or error}") from error
    if taken:
        raise ConfigError(f"--output {output}: is there and not an empty folder; name another, or move it away")


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Hand out a folder beside `output` to write into; it becomes `output` at the end, and vanishes after an error.

    Raises:
        ConfigError: see check_new.
        StorageError: it cannot be written.
    """
    check_new(output)
    output = Path(os.path.abspath(output))  # noqa: PTH100 - resolve() would follow links; `.` has no name
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        around = Path(tempfile.mkdtemp(PARTIAL, f".{output.name}.", output.parent))
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror or error}") from error
    try:
        whole = around / "whole"  # mkdtemp closes its folder to other users; this one has the usual rights
        whole.mkdir()
        yield whole
        if output.exists():
            output.rmdir()
        whole.rename(output)
    except (OSError, StorageError) as error:
        # A part that is written whole by itself tells of a place that is about to vanish; its cause is what counts.
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = getattr(cause, "strerror", None) or cause or error
        raise StorageError(f"cannot write {output}: {reason}; nothing of it is left") from error
    finally:
        shutil.rmtree(around, ignore_errors=True)
