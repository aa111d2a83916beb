"""Public sets of masked faces: what they hold, how to get them, what may be done with them, what is wrong with them.

The entries are in public.toml beside this module; `load` reads further ones of the same form from the user's file.
Nothing here reaches the network, see maskwise.data.fetch.
"""

from __future__ import annotations

from maskwise.data.catalog.entry import Counts, Entry, File, Get, Licence, Problem
from maskwise.data.catalog.loading import find, load, public

__all__ = ["Counts", "Entry", "File", "Get", "Licence", "Problem", "find", "load", "public"]
