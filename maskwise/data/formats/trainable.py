"""Whether a data set is enough to train on."""

from __future__ import annotations

from maskwise.data.manifest import Manifest
from maskwise.errors import DataError


def check_trainable(manifest: Manifest) -> None:
    """Refuse a data set on which no training can work.

    Raises:
        DataError: no usable rows, only one class, or a class with fewer than two pictures; says the counts.
    """
    if not manifest.usable.height:
        raise DataError(
            f"no usable picture among {manifest.rows.height}{_first_reason(manifest)}; see `maskwise data show`"
        )
    pictures = {label: _pictures(manifest, label) for label in manifest.classes}
    counts = ", ".join(f"{count} {label}" for label, count in pictures.items())
    if len(pictures) < 2:
        raise DataError(
            f"only one class has usable pictures ({counts}); training needs two or three: add another class"
        )
    few = [label for label, count in pictures.items() if count < 2]
    if few:
        raise DataError(f"too few pictures of {', '.join(few)} ({counts}); add some, or leave the class out by --alias")


def _pictures(manifest: Manifest, label: str) -> int:
    """Different contents of a class: several boxes or copies of one picture count once."""
    rows = manifest.usable
    return int(rows.filter(rows["label"] == label)["sha256"].n_unique())


def _first_reason(manifest: Manifest) -> str:
    if not manifest.rows.height:
        return ""
    row = manifest.unusable.row(0, named=True)
    return f" (the first, {row['path']}: {row['error']})"
