"""What a stream may be called where others can read it: camera addresses carry passwords."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

HIDDEN = "***"

_KEY = r"pass(?:word|wd)?|pwd|token|secret|auth|key|sig(?:nature)?|user(?:name)?"
_CHANNEL = r"(?:[_&;/](?:channel|subtype|stream)=\d+)*(?:\.\w+)?"
_SECRET = re.compile(rf"(?i)(?P<key>(?:{_KEY})=).*?(?P<channel>{_CHANNEL})$")
_ADDRESS = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+")


def public_name(source: str) -> str:
    """The source without whatever could open it: user and password, query and fragment, `password=` in a path.

    Files, cameras and `-` stay as they are. Where an address is written so that its password could end in several
    places, it is taken to end in the last one: a part of the address may be missing from the name, no part of the
    password is in it. Nothing can be known of a secret that is an ordinary part of the path.
    """
    if "://" not in source:
        return source
    scheme, _, rest = source.partition("://")
    # A password with a slash, ? or # in it, not escaped, reaches beyond what the standard takes for user and host.
    rest = rest.rpartition("@")[2]
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:  # brackets or a port that are none: nothing of it can be trusted to be harmless
        return f"{scheme}://{HIDDEN}"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}{f':{port}' if port else ''}{_without_secrets(parts.path)}"


def _without_secrets(path: str) -> str:
    """The path up to the first key word; after it only a channel's number, which tells cameras apart."""
    return _SECRET.sub(rf"\g<key>{HIDDEN}\g<channel>", path)


def scrubbed(text: str, source: str = "") -> str:
    """A message with every address in it replaced by its public name.

    Args:
        text: the message, of a library for example.
        source: the address it is about; it, its user and its password are hidden however the message cuts it.
    """
    if "://" in source:
        text = text.replace(source, public_name(source))
    for secret in sorted(_secrets(source), key=len, reverse=True):  # before addresses: it may hold what ends one
        text = text.replace(secret, HIDDEN)
    return _ADDRESS.sub(lambda found: public_name(found.group()), text)


def _secrets(source: str) -> set[str]:
    """User, password and query as written and unescaped, where they are long enough not to be found by chance."""
    rest = source.partition("://")[2]
    login, _, after = rest.rpartition("@")
    found = {login, *login.split(":", 1), after.partition("?")[2]}
    return {form for secret in found for form in (secret, unquote(secret)) if len(form) > 3}
