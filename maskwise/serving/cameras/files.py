"""Which files may be watched: those below the media folders, and nothing that leads out of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from maskwise.errors import InputError


def check_file(text: str, media: Sequence[Path]) -> tuple[Path, str]:
    """The file that is meant, and what others may call it: its name below the media folder.

    Links are followed before it is decided.

    Args:
        text: as the user wrote it: below one of the folders, or from the root on.
        media: the folders.

    Raises:
        InputError: there is none, or not there; says no more of what is where.
    """
    if not media:
        raise InputError("files are watched only from media folders, and this service was started without one")
    if not text or not text.isprintable():
        raise InputError("the file's name is empty, or holds a control character")
    folders = [folder.resolve() for folder in media]
    for folder in folders:
        found = _below(folder, text, folders)
        if found:
            return found
    # Whether something is there outside of the folders is nobody's business: both are told alike.
    raise InputError(f"{PurePath(text).name[:100]}: no such file in the media folders")


def _below(folder: Path, text: str, folders: Sequence[Path]) -> tuple[Path, str] | None:
    try:
        path = (folder / text).resolve(strict=True)
        within = next((one for one in folders if path.is_relative_to(one)), None)
        if within is None or not path.is_file():  # no device and no pipe
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    return path, path.relative_to(within).as_posix()
