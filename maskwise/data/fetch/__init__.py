"""Get a set of the catalog: download it, or take what was downloaded by hand; verify, unpack, record.

FOLDER/data           what was unpacked; appears whole or not at all
FOLDER/files.sha256   every file of it with its SHA-256, as `sha256sum` writes them
FOLDER/fetched.json   where it came from, which licence was accepted, what was verified and how
FOLDER/download       archives on their way, with what is needed to go on after an interruption

What the catalog has no checksum for is trusted on first use: its checksum is recorded, and a later fetch into the same
folder has to bring the same bytes.
"""

from __future__ import annotations

from maskwise.data.fetch.download import Patience
from maskwise.data.fetch.fetching import fetch
from maskwise.data.fetch.limits import Limits
from maskwise.data.fetch.record import Fetched

__all__ = ["Fetched", "Limits", "Patience", "fetch"]
