"""How things are said on a terminal: verdicts with their symbol and colour, numbers with their noun, names as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskwise.cli.console import out

if TYPE_CHECKING:
    from rich.text import Text

SYMBOLS = {"masked": "✓", "incorrect": "!", "unmasked": "✗", "uncertain": "?"}


def coloured(verdict: str) -> Text:
    """A verdict in its colour, with its symbol where the terminal has one."""
    from rich.text import Text

    from maskwise.model.palette import COLOURS

    symbol = f"{SYMBOLS[verdict]} " if out.encoding.startswith("utf") else ""  # the words alone say it as well
    return Text(f"{symbol}{verdict}", style=COLOURS[verdict], no_wrap=True)


def plain(text: str) -> Text:
    """A file's name is text: neither its brackets are markup nor its control characters commands to the terminal."""
    from rich.text import Text

    return Text(printable(text), overflow="fold")


def printable(text: str) -> str:
    """Text with what a terminal would obey spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 face`, `2 faces`; another plural where the noun has one."""
    return f"{number} {noun if number == 1 else nouns or f'{noun}s'}"
