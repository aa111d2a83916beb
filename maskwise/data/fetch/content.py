"""What lies in unpacked data: where its root is, whether its layout can be read, how much there is of each class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from maskwise.data import manifest as manifests
from maskwise.data.catalog import Entry
from maskwise.data.formats.files import is_aside
from maskwise.data.formats.finding import detect, find_rows
from maskwise.data.formats.labels import Labels
from maskwise.errors import DataError, LabelError

_SAME = {"identities": "classes"}  # they differ only in what the inner folders mean, which the catalog says


def find_root(entry: Entry, folder: Path) -> Path:
    """The folder with the data, or the manifest.

    What somebody unpacked by hand may lack the top folders of the archive, so the end of `root` is enough.

    Raises:
        DataError: nothing there is laid out as the catalog says.
    """
    parts = entry.root.split("/") if entry.root else []
    for start in range(len(parts) + 1):
        pattern = "/".join(parts[start:])
        fitting = [path for path in (sorted(folder.glob(pattern)) if pattern else [folder]) if _fits(entry, path)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(path.name for path in fitting[:4])
            raise DataError(f"{len(fitting)} folders could be the data ({names}); name the right one with --from")
    raise DataError(
        f"nothing in it is laid out as {entry.layout}, with the classes {', '.join(entry.classes)}"
        f"{f', in the folder {entry.root}' if entry.root else ''}; this is not the data that the catalog means"
    )


def count(entry: Entry, root: Path) -> dict[str, int]:
    """Pictures, and pictures or faces of each class; no picture is decoded. Nothing for bare lists.

    Raises:
        DataError: it cannot be read, or holds a class that the catalog does not name.
    """
    if entry.layout == "lists":
        return {}
    try:
        rows = _rows(entry, root)
    except LabelError as error:
        raise DataError(f"it holds a class that the catalog does not name: {error}") from error
    labels = Counter(label for _, label in rows if label)
    return {"pictures": len({path for path, _ in rows}), **dict(sorted(labels.items()))}


def compare(entry: Entry, found: dict[str, int]) -> tuple[str, ...]:
    """Where the counts differ from the catalog's, one line each.

    Raises:
        DataError: they differ, and the catalog says that they are exact.
    """
    if entry.layout == "lists":
        return ()
    lines = [
        f"{found.get(name, 0):,} {_things(entry, name)}, in the catalog {number:,}"
        for name, number in entry.counts.known.items()
        if found.get(name, 0) != number
    ]
    if lines and entry.counts.exact:
        raise DataError(f"it holds {'; '.join(lines)}, exactly; this is not the data that the catalog means")
    return tuple(lines)


def _things(entry: Entry, name: str) -> str:
    return name if name == "pictures" else f"{name} {entry.counts.of}"


def _fits(entry: Entry, path: Path) -> bool:
    if entry.layout == "lists":
        return path.is_dir()
    if entry.layout == "manifest":
        return path.is_file()
    if not path.is_dir():
        return False
    found = detect(path, Labels(entry.classes))
    return found is not None and _SAME.get(found, found) == _SAME.get(entry.layout, entry.layout)


def _rows(entry: Entry, root: Path) -> list[tuple[str, str | None]]:
    if entry.layout == "manifest":
        return manifests.load(root).rows.select("path", "label").rows()
    found = find_rows(root, entry.layout, Labels(entry.classes))
    # A line that names no picture has a row, too, with the path of its table.
    return [(str(row.path), row.label) for row in found.rows if not is_aside(row.path)]
