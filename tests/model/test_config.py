from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping


@dataclass(frozen=True)
class Inner:
    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"inner.size: {self.size} is below 1")


@dataclass(frozen=True)
class Outer:
    name: str
    lr: float = 0.1
    pair: tuple[int, int] = (1, 2)
    kind: Literal["a", "b"] = "a"
    stop: int | None = None
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "x"}, Outer("x")),
        ({"name": "x", "lr": 1, "inner": {"size": 5}}, Outer("x", lr=1.0, inner=Inner(5))),
        ({"name": "x", "lr": "1e-3", "pair": [3, 4], "kind": "b", "stop": 2}, Outer("x", 0.001, (3, 4), "b", 2)),
    ],
)
def test_what_is_known_is_built(given: dict[str, Any], expected: Outer) -> None:
    assert from_mapping(Outer, "", given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "x", "lrr": 1}, "unknown key lrr; did you mean 'lr'"),
        ({"name": "x", "inner": {"sizes": 1}}, "unknown key inner.sizes; did you mean 'size'"),
        ({"name": "x", "zzz": 1}, "known keys: name, lr, pair, kind, stop, inner"),
        ({"name": "x", 7: 1}, "unknown key 7"),
        ({}, "name"),
        ({"name": 1}, "name: expected text, got 1"),
        ({"name": "x", "lr": "fast"}, "lr: expected a number, got 'fast'"),
        ({"name": "x", "lr": True}, "lr: expected a number"),
        ({"name": "x", "stop": 1.5}, "stop: expected a whole number or nothing"),
        ({"name": "x", "kind": "c"}, "kind: expected one of a, b"),
        ({"name": "x", "pair": [1]}, "pair: expected 2 values, got 1"),
        ({"name": "x", "pair": [1, "b"]}, r"pair\[1\]: expected a whole number"),
        ({"name": "x", "inner": 4}, "inner: expected a mapping"),
        ({"name": "x", "inner": {"size": 0}}, "0 is below 1"),
        ([1], "expected a mapping"),
    ],
)
def test_what_is_not_known_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        from_mapping(Outer, "", given)
