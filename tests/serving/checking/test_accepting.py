from __future__ import annotations

import pytest

from maskwise.serving.checking.accepting import preferred

KINDS = ("application/json", "image/jpeg")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("image/jpeg", "image/jpeg"),
        ("IMAGE/JPEG ", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/jpeg, application/json", "application/json"),
        ("image/jpeg, */*;q=0.5", "image/jpeg"),
        ("application/json;q=0.2, image/jpeg;q=0.3", "image/jpeg"),
        ("application/json;q=0, */*", "image/jpeg"),
        ("application/problem+json, application/json", "application/json"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=much", None),
        (",;,", None),
    ],
)
def test_what_is_sent(accept: str, kind: str | None) -> None:
    assert preferred(accept, KINDS) == kind
