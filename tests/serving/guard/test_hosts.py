from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from maskwise.serving.guard.hosts import hosts_of, is_foreign

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound


@pytest.mark.parametrize(
    ("bound", "names", "header", "ours"),
    [
        ("127.0.0.1", (), "127.0.0.1:8000", True),
        ("127.0.0.1", (), "127.0.0.1", True),
        ("127.0.0.1", (), "localhost:9", True),
        ("127.0.0.1", (), "LOCALHOST:9", True),
        ("127.0.0.1", (), "localhost.:9", True),
        ("127.0.0.1", (), "[::1]:8000", True),
        ("127.0.0.1", (), "127.9.9.9:8000", True),
        ("127.0.0.1", (), "evil.example", False),
        ("127.0.0.1", (), "localhost.evil.example", False),
        ("127.0.0.1", (), "127.0.0.1.evil.example:8000", False),
        ("127.0.0.1", (), "127.0.0.1@evil.example", False),
        ("127.0.0.1", (), "evil.example#127.0.0.1", False),
        ("127.0.0.1", (), "", False),
        ("127.0.0.1", (), " ", False),
        ("127.0.0.1", (), "localhost:port", False),
        ("127.0.0.1", (), "localhost:80, evil.example", False),
        ("127.0.0.1", (), "192.168.1.5:8000", False),
        ("127.0.0.1", ("ward.clinic.example",), "ward.clinic.example:8000", True),
        ("127.0.0.1", ("ward.clinic.example",), "Ward.Clinic.Example", True),
        ("127.0.0.1", ("ward.clinic.example",), "x.ward.clinic.example", False),
        ("192.168.1.5", (), "192.168.1.5:8000", True),
        ("192.168.1.5", (), "192.168.1.6:8000", False),
        (EVERYWHERE, (), "192.168.1.5:8000", True),
        (EVERYWHERE, (), "[fe80::1]:8000", True),
        ("::", (), "10.0.0.1", True),
        (EVERYWHERE, (), "rebound.evil.example:8000", False),
    ],
)
def test_a_host_is_ours_or_not(bound: str, names: tuple[str, ...], header: str, ours: bool) -> None:
    assert (header in hosts_of(bound, names)) is ours


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"host": "localhost:8000"}, False),
        ({"host": "localhost:8000", "origin": "http://localhost:8000"}, False),
        ({"host": "ward.example", "origin": "https://ward.example"}, False),
        ({"host": "ward.example:443", "origin": "https://ward.example"}, False),
        ({"host": "localhost:8000", "sec-fetch-site": "same-origin"}, False),
        ({"host": "localhost:8000", "sec-fetch-site": "none"}, False),
        ({"host": "localhost:8000", "sec-fetch-site": "same-site"}, True),
        ({"host": "localhost:8000", "sec-fetch-site": "cross-site"}, True),
        ({"host": "localhost:8000", "sec-fetch-site": "cross-site", "origin": "http://localhost:8000"}, True),
        ({"host": "localhost:8000", "origin": "http://localhost:8001"}, True),
        ({"host": "localhost:8000", "origin": "http://127.0.0.1:8000"}, True),
        ({"host": "localhost:8000", "origin": "null"}, True),
        ({"host": "localhost:8000", "origin": ""}, True),
        ({"host": "localhost:8000", "origin": "http://evil.example"}, True),
        ({"host": "localhost:8000", "origin": "http://localhost:8000.evil.example"}, True),
        ({"host": "localhost:8000", "origin": "http://evil.example/localhost:8000"}, True),
        ({"host": "localhost:8000", "origin": "file://"}, True),
        ({"origin": "http://"}, True),
    ],
)
def test_the_page_of_another_site_is_known(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(Headers(headers)) is foreign
