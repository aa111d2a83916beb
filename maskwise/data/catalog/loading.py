"""From TOML to entries."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from maskwise.data.catalog.entry import Entry, named
from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping

_PUBLIC = Path(__file__).with_name("public.toml")
_MOST_BYTES = 4 << 20  # a catalog is written by people


def public() -> dict[str, Entry]:
    """The sets that maskwise knows, by name, sorted."""
    return load(_PUBLIC)


def load(path: str | Path) -> dict[str, Entry]:
    """The sets of a catalog file, by name, sorted.

    Raises:
        ConfigError: no such file, no TOML, an unknown key, a missing one or a wrong value; says which.
    """
    tables = _read(Path(path))
    return {name: _entry(Path(path), name, table) for name, table in sorted(tables.items())}


def find(entries: Mapping[str, Entry], name: str) -> Entry:
    """One set.

    Raises:
        ConfigError: no set of this name; says the nearest.
    """
    if name in entries:
        return entries[name]
    near = get_close_matches(name.lower(), entries, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(entries)}"
    raise ConfigError(f"there is no set {name!r} in the catalog; {hint} See `maskwise data list`")


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ConfigError(f"{path} is larger than {_MOST_BYTES >> 20} MiB; a catalog is a short TOML file")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the catalog {path}: {error.strerror or error}; name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the catalog {path} is no TOML (UTF-8): {error}") from error


def _entry(path: Path, name: str, table: Any) -> Entry:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{path}: expected a table [{name}] for each set, got {name} = {table!r}")
    try:
        return from_mapping(Entry, name, named(name, table))
    except ConfigError as error:
        # Checks of values, which know no section, do not say which set it is.
        message = str(error) if name in str(error).split(":")[0] else f"{name}: {error}"
        raise ConfigError(f"{path}: {message}") from error
