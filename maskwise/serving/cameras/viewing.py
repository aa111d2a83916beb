"""What one page wants to see of the streams, and when the next picture of each is due to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maskwise.errors import InputError
from maskwise.serving.cameras.look import Look, now_json
from maskwise.serving.cameras.pictures import WIDTHS
from maskwise.serving.store.moments import iso
from maskwise.stream.outputs.blur import BLURS, Blur

STEP_S = 0.1
"""Between two pictures of a stream, at least."""

MOST_SHOWN = 64
"""Streams shown to one page."""

LONGEST_MESSAGE = 20_000
"""Letters of what a page says."""

MOST_UNSEEN = 3
"""Pictures of each stream on their way to a page that says what it has got: more would come late."""

FORM = '{"show": {"1": {"width": 640, "blur": "all"}}}'


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a stream is shown: width at most, pixels; whose faces are hidden, None as the stream's own settings say."""

    width: int = 640
    blur: Blur | None = None


@dataclass(slots=True)
class Viewing:
    """One page.

    shown: the streams that it shows.
    sent, got: pictures sent to it, and those that it says it has got; None while it does not say.
    """

    shown: Mapping[int, Wanted] = field(default_factory=dict)
    sent: int = 0
    got: int | None = None
    _last: dict[int, int] = field(default_factory=dict)
    _due_s: dict[int, float] = field(default_factory=dict)

    def hear(self, text: str) -> None:
        """Take in what the page says; `show` takes the place of what was shown before.

        Raises:
            InputError: not of that form.
        """
        said = _object(text)
        if "show" in said:
            self.shown = _shown(said["show"])
        if "got" in said:
            got = said["got"]
            if not isinstance(got, int) or isinstance(got, bool) or not 0 <= got <= self.sent:
                raise InputError("got: the number of pictures that came so far")
            self.got = got

    def wait_s(self, look: Look, now_s: float) -> float | None:
        """How long until the picture of this look may be sent; None where it is not to be.

        Args:
            look: the newest of its stream.
            now_s: by a clock that never falls.
        """
        if look.stream not in self.shown or self._last.get(look.stream) == look.number:
            return None
        if self.got is not None and self.sent - self.got >= MOST_UNSEEN * len(self.shown):
            return None
        return max(0.0, self._due_s.get(look.stream, now_s) - now_s)

    def note_sent(self, look: Look, now_s: float) -> None:
        """The picture of this look is on its way."""
        self._last[look.stream] = look.number
        self._due_s[look.stream] = max(self._due_s.get(look.stream, now_s) + STEP_S, now_s)
        self.sent += 1


def message(look: Look, jpeg: bytes) -> bytes:
    """A picture with what is known of it: the length of the JSON in four bytes, the JSON, the JPEG."""
    width, height = look.size
    said = {
        "stream": look.stream,
        "at": iso(look.at_s),
        "width": width,
        "height": height,
        "people": look.people_json(),
        "now": now_json(look.people),
    }
    head = json.dumps(said, allow_nan=False, separators=(",", ":")).encode()
    return len(head).to_bytes(4, "big") + head + jpeg


def _object(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_MESSAGE:
        raise InputError(f"the message has {len(text)} letters, at most {LONGEST_MESSAGE} are read")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not said.keys() <= {"show", "got"}:
        raise InputError(f"the message is not of the form {FORM}")
    return said


def _shown(given: Any) -> dict[int, Wanted]:
    if not isinstance(given, dict) or len(given) > MOST_SHOWN:
        raise InputError(f"show: at most {MOST_SHOWN} streams, as in {FORM}")
    return {_number(key): _wanted(value) for key, value in given.items()}


def _number(key: str) -> int:
    if not (key.isascii() and key.isdecimal() and len(key) < 20):
        raise InputError(f"show: a stream's number is wanted, as in {FORM}")
    return int(key)


def _wanted(given: Any) -> Wanted:
    if not isinstance(given, dict) or not given.keys() <= {"width", "blur"}:
        raise InputError(f"show: width and blur are wanted, as in {FORM}")
    width, blur = given.get("width", 640), given.get("blur")
    if not isinstance(width, int | float) or isinstance(width, bool) or not 1 <= width <= WIDTHS[-1]:
        raise InputError(f"show: the width is not from 1 to {WIDTHS[-1]}")
    if blur is not None and blur not in BLURS:
        raise InputError(f"show: blur is not one of {', '.join(BLURS)}")
    return Wanted(int(width), blur)
