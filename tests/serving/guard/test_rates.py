from __future__ import annotations

import pytest

from maskwise.serving.guard import rates
from maskwise.serving.guard.rates import Rate, network_of


def test_so_many_and_no_more_of_each() -> None:
    rate = Rate(3)
    assert [rate.wait_s("a") is None for _ in range(5)] == [True, True, True, False, False]
    assert rate.wait_s("b") is None
    wait_s = rate.wait_s("a")
    assert wait_s is not None
    assert 0 < wait_s <= 60


def test_memory_is_bounded_whoever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_KEYS", 5)
    rate = Rate(2)
    let_in = [rate.wait_s(f"client {number}") is None for number in range(50)]
    assert let_in.count(True) == 5 + 2  # five that are told apart, and two of all the others
    assert rate.wait_s("client 0") is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.4", "203.0.113.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.4", "203.0.113.4"),
        ("fe80::1:2%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_one_client_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
