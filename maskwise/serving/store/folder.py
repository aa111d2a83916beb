"""The folder of a service."""

from __future__ import annotations

from pathlib import Path

from maskwise.errors import StorageError
from maskwise.serving.settings import Settings


def folder_of(settings: Settings) -> Path:
    """The folder for what is remembered; a new one is nobody else's to look into, as addresses of cameras lie there.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {settings.folder}: {error.strerror or error}") from error
    return settings.folder
