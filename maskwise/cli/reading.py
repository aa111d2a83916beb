"""Data sets named on the command line, read with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.console import progress, say
from maskwise.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from maskwise.data.manifest import Manifest

Format = Annotated[str, typer.Option("--format", help="auto, classes, identities, voc, yolo, coco, csv or manifest.")]
Alias = Annotated[list[str] | None, typer.Option(help="A class name of the data, as nomask=unmasked or dogs=ignore.")]
Classes = Annotated[str | None, typer.Option(help="YOLO's class names in order, comma between.")]


def read_data(
    data: Sequence[str],
    format: str = "auto",
    alias: Sequence[str] | None = None,
    classes: str | None = None,
    source: str | None = None,
) -> Manifest:
    """Read every data set and say what was left out; files read before are served from the user's cache of facts.

    Args:
        data: folders and manifests.
        format: one of maskwise.data.formats.FORMATS.
        alias: NAME=LABEL texts.
        classes: YOLO's class names, comma between.
        source: what the data is called; its folders' names if None.
    """
    from maskwise.data.formats import parse_aliases, read_all
    from maskwise.data.reading import default_cache

    with progress("reading pictures") as hook:
        return read_all(
            data,
            format=format,
            source=source,
            aliases=parse_aliases(alias or ()),
            classes=[name.strip() for name in classes.split(",")] if classes else None,
            cache=default_cache(),
            progress=hook,
            say=say,
        )


def check_asked(data: Sequence[str] | None, split: str | None) -> Sequence[str]:
    """What to measure on, as a verb was told with --data and --split.

    Raises:
        UsageError: no data, or no such split.
    """
    from maskwise.data.schema import SPLITS

    if not data:
        raise UsageError("--data is missing: name the pictures to measure on, a folder or a manifest")
    if split is not None and split not in SPLITS:
        raise UsageError(f"--split {split!r}: use one of {', '.join(SPLITS)}")
    return data


def amount(flag: str, text: str) -> int | float:
    """A count of rows or a share of them, as a flag was given.

    Raises:
        ConfigError: neither.
    """
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise ConfigError(f"{flag} {text!r} is neither a count of rows (1000) nor a share below 1 (0.2)") from None
