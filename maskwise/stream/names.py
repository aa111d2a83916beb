"""What a stream may be called where others can read it: camera addresses carry passwords."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HIDDEN = "***"

_SECRET = re.compile(r"(?i)((?:pass(?:word|wd)?|pwd|token|secret|auth|key|sig(?:nature)?|user(?:name)?)=)[^&/;_\s]+")
_ADDRESS = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+")


def public_name(source: str) -> str:
    """The source without whatever could open it: user and password, query and fragment, `password=` in a path.

    Files, cameras and `-` stay as they are.
    """
    if "://" not in source:
        return source
    scheme, _, rest = source.partition("://")
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # brackets or a port that are none: nothing of it can be trusted to be harmless
        return f"{scheme}://{HIDDEN}"
    if "@" in parts.path:  # a password with a slash in it, not escaped: what follows the last @ is the host
        return f"{scheme}://{_without_secrets(rest.rpartition('@')[2].partition('?')[0].partition('#')[0])}"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}{f':{port}' if port else ''}{_without_secrets(parts.path)}"


def _without_secrets(path: str) -> str:
    return _SECRET.sub(rf"\1{HIDDEN}", path)


def scrubbed(text: str) -> str:
    """A message with every address in it replaced by its public name."""
    return _ADDRESS.sub(lambda found: public_name(found.group()), text)
