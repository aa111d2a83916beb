"""The log: one line a message, as text or JSON, without the secrets of addresses."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from maskwise.stream.sources.names import HIDDEN, scrubbed

Form = Literal["json", "text"]

LEVELS = {"": logging.WARNING, "maskwise": logging.INFO}
"""Whose messages are written from which level on; the others' only where something is wrong."""

IN_MESSAGE = ("method", "route", "status")
"""Facts of a request that its message says already."""

_TOKEN = re.compile(r"\bmw_[A-Za-z0-9_-]{20,}")


class TextLines(logging.Formatter):
    """For people: moment, level, message, facts."""

    def format(self, record: logging.LogRecord) -> str:
        """One message; a line break in it cannot be taken for the next one."""
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items() if _is_news(name, value))
        line = f"{_moment(record)} {record.levelname:<7} {_message(record)} {facts}".rstrip()
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        trace = _trace(self, record)
        return clean(f"{line}\n{trace}" if trace else line)


class JsonLines(logging.Formatter):
    """For machines: an object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One message."""
        said: dict[str, Any] = {
            "at": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_facts(record),
        }
        trace = _trace(self, record)
        if trace:
            said["error"] = trace
        return json.dumps({name: clean(value) if isinstance(value, str) else value for name, value in said.items()})


FORMS: dict[Form, type[logging.Formatter]] = {"json": JsonLines, "text": TextLines}


def clean(text: str) -> str:
    """A message without secrets: of addresses, and tokens."""
    return _TOKEN.sub(HIDDEN, scrubbed(text))


def set_up(form: Form, to: TextIO | None = None) -> None:
    """From now on everything that is logged in this process goes there.

    Args:
        form: of the lines.
        to: where they go; stderr if None.
    """
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(FORMS[form]())
    logging.getLogger().handlers[:] = [handler]
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a message is about, by name."""
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


def _is_news(name: str, value: Any) -> bool:
    return value is not None and name not in IN_MESSAGE


def _message(record: logging.LogRecord) -> str:
    return record.getMessage()


def _moment(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
