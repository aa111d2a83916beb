"""From what a user named as a stream's source to frames, past the rules of what may be opened."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import InputError
from maskwise.serving.cameras.addresses import Lookup, UnknownHost, check_address, check_sources, system_lookup
from maskwise.serving.cameras.files import check_file
from maskwise.serving.cameras.state import Kind
from maskwise.stream.sources.live import OnHealth, Patience
from maskwise.stream.sources.names import public_name, scrubbed
from maskwise.stream.sources.opening import OpenDevice, Source, open_source

LONGEST_SOURCE = 2000

_CAMERA = re.compile(r"(?i)camera:[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Named:
    """A source by its kind, and what others may know of it."""

    kind: Kind
    shown: str


class Doors:
    """Opens what may be opened."""

    def __init__(
        self,
        media: Sequence[Path] = (),
        sources: Sequence[str] = (),
        lookup: Lookup = system_lookup,
        open_device: OpenDevice | None = None,
    ) -> None:
        """What the operator allows.

        Args:
            media: folders whose files may be watched.
            sources: hosts, addresses and networks that may be opened, besides cameras that are nowhere special.
            lookup: finds a host's addresses.
            open_device: opens a camera of this machine.

        Raises:
            ConfigError: a source that is none.
        """
        check_sources(sources)
        self._media, self._sources, self._lookup, self._open_device = media, sources, lookup, open_device

    def check(self, text: str) -> Named:
        """Whether it may be opened, without doing so.

        A host that is not known now is no reason to refuse: cameras come and go, and it is asked again when it is
        opened.

        Raises:
            InputError: it may not be.
        """
        named = self.name(text)
        if named.kind == "file":
            check_file(text, self._media)
        elif named.kind == "address":
            with contextlib.suppress(UnknownHost):
                check_address(text, self._sources, self._lookup)
        return named

    def name(self, text: str) -> Named:
        """What a source is called, whether or not it may be opened."""
        if _CAMERA.fullmatch(text):
            return Named("camera", f"camera:{int(text.partition(':')[2])}")
        if "://" in text:
            return Named("address", public_name(text))
        try:
            return Named("file", check_file(text, self._media)[1])
        except InputError:
            return Named("file", Path(text.replace("\0", "")).name)

    def open(self, text: str, on_health: OnHealth, patience: Patience | None = None) -> Source:
        """Open it.

        Raises:
            InputError: it may not be opened, or cannot be; holds no path and no password.
        """
        named = self.name(text)
        target = text
        if named.kind == "file":
            target = str(check_file(text, self._media)[0])
        try:
            return open_source(target, None, on_health, patience, open_device=self._open_device, resolve=self._resolve)
        except InputError as error:
            raise InputError(scrubbed(str(error).replace(target, named.shown), text)) from None

    def _resolve(self, address: str) -> tuple[str, dict[str, str]]:
        return check_address(address, self._sources, self._lookup)
