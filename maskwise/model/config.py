"""Typed sections out of JSON and YAML: what is not known or not of the right type is refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from maskwise.errors import ConfigError

T = TypeVar("T")


def from_mapping(cls: type[T], section: str, given: Any) -> T:
    """Build a dataclass from a mapping, and the dataclasses inside it from the mappings inside.

    Args:
        cls: a dataclass whose `__post_init__` checks ranges.
        section: name for messages; "" at the top.
        given: what JSON or YAML gave.

    Raises:
        ConfigError: no mapping, an unknown key, a missing one, a value of the wrong type or out of range.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{section or 'top level'}: expected a mapping of keys to values, got {given!r}")
    hints = get_type_hints(cls)
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]  # the caller hands a dataclass
    for key in given:
        if key not in names:
            raise ConfigError(f"unknown key {_dotted(section, key)}{_hint(str(key), names)}")
    values = {key: _value(hints[key], _dotted(section, key), value) for key, value in given.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{section or 'top level'}: {error}") from error


def _dotted(section: str, key: object) -> str:
    return f"{section}.{key}" if section else str(key)


def _hint(key: str, names: list[str]) -> str:
    near = get_close_matches(key, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(names)}"


def _value(hint: Any, key: str, value: Any) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else from_mapping(hint, key, value)
    optional = _optional_dataclass(hint)
    if optional:
        return None if value is None else _value(optional, key, value)
    if get_origin(hint) is tuple:
        return _tuple(hint, key, value)
    if get_origin(hint) is dict and isinstance(value, Mapping):
        return {name: _value(get_args(hint)[1], f"{key}.{name}", item) for name, item in value.items()}
    if hint is float and isinstance(value, str):
        value = _number(value)
    if not _fits(hint, value):
        raise ConfigError(f"{key}: expected {_spelled(hint)}, got {value!r}")
    return float(value) if hint is float else value


def _optional_dataclass(hint: Any) -> Any:
    """The dataclass of `Section | None`, else None."""
    if get_origin(hint) not in (Union, UnionType):
        return None
    return next((part for part in get_args(hint) if is_dataclass(part)), None)


def _number(text: str) -> float | str:
    """YAML 1.1 reads 1e-3 as text; nobody who writes it means text."""
    try:
        return float(text)
    except ValueError:
        return text


def _tuple(hint: Any, key: str, value: Any) -> tuple[Any, ...]:
    inner = get_args(hint)
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{key}: expected a list, got {value!r}")
    if Ellipsis not in inner and len(value) != len(inner):
        raise ConfigError(f"{key}: expected {len(inner)} values, got {len(value)}: {value!r}")
    return tuple(_value(inner[0], f"{key}[{i}]", item) for i, item in enumerate(value))


def _fits(hint: Any, value: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return any(value == allowed and type(value) is type(allowed) for allowed in get_args(hint))
    if origin in (Union, UnionType):
        return any(_fits(part, value) for part in get_args(hint))
    if origin is dict:
        return isinstance(value, dict)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return hint is Any or isinstance(value, hint)


def _spelled(hint: Any) -> str:
    """A type as a user would say it."""
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(str(v) for v in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_spelled(part) for part in get_args(hint))
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", NoneType: "nothing (null)"}
    return names.get(hint, str(hint))
