from __future__ import annotations

import json
from typing import Any

import pytest

from maskwise.errors import ConfigError
from maskwise.serving.cameras.how import How
from maskwise.stream.following.zones import Line, Zone

FULL = How(
    5.0, 24, "gate", ("unmasked",), 0.0, "none",
    (Zone("door", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.9))),), (Line("gate", ((0.5, 0.0), (0.5, 1.0))),),
)  # fmt: skip


@pytest.mark.parametrize("how", [How(), FULL])
def test_what_is_stored_comes_back(how: How) -> None:
    assert How.from_json(json.loads(json.dumps(how.to_json()))) == how


def test_what_is_left_out_is_as_usual() -> None:
    assert How.from_json({"after_s": 1.0}) == How(after_s=1.0)


def test_watching_gets_all_of_it() -> None:
    watching = FULL.watching()
    assert (watching.looks_per_s, watching.rules.violations, watching.rules.after_s) == (5.0, ("unmasked",), 0.0)
    assert (watching.rules.zones, watching.rules.lines) == (FULL.zones, FULL.lines)


@pytest.mark.parametrize(
    "given",
    [
        {"looks_per_s": 0}, {"looks_per_s": 31}, {"looks_per_s": float("nan")}, {"looks_per_s": "many"},
        {"min_face_px": 30}, {"after_s": -1}, {"after_s": 1e9}, {"blur": "some"}, {"violations": ["naked"]},
        {"violations": 3}, {"colour": "red"}, {"zones": [{"name": "a"}]}, {"zones": [3]}, {"zones": "abc"},
        {"zones": [{"name": "a", "corners": [[0, 0], [1, 1]]}]}, {"zones": [{"name": "a", "corners": [[0, 0, 0]] * 3}]},
        {"zones": [{"name": "a" * 101, "corners": [[0, 0], [1, 0], [1, 1]]}]},
        {"zones": [{"name": "a\n", "corners": [[0, 0], [1, 0], [1, 1]]}]},
        {"zones": [{"name": "a", "corners": [[0, 0], [1, 0], [1, 2]]}]},
        {"zones": [{"name": "a", "corners": [[0, 0], [1, 0], [1, 1]]}] * 2},
        {"zones": [{"name": f"{i}", "corners": [[0, 0], [1, 0], [1, 1]]} for i in range(33)]},
        {"lines": [{"name": "a", "corners": [[0, 0], [0, 0]]}]},
        {"lines": [{"name": "a", "corners": [[0, 0], [1, 0], [1, 1]]}]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        How.from_json(given)
