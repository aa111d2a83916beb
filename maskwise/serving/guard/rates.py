"""How often somebody may ask, counted in memory over the last minute."""

from __future__ import annotations

import ipaddress
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from maskwise.serving.guard.clients import ip_of

MOST_KEYS = 10_000
"""So many are told apart; whoever comes beyond shares one count, so that memory stays bounded."""


class Rate:
    """At most so many a minute, of each."""

    def __init__(self, per_minute: int) -> None:
        self._storage = MemoryStorage()
        self._window = MovingWindowRateLimiter(self._storage)
        self._most = RateLimitItemPerMinute(per_minute)

    def wait_s(self, who: str) -> float | None:
        """Count one more of this one; seconds to wait if it is one too many."""
        known = self._most.key_for(who) in self._storage.events
        who = who if known or len(self._storage.events) < MOST_KEYS else "others"
        if self._window.hit(self._most, who):
            return None
        return max(0.0, self._window.get_window_stats(self._most, who).reset_time - time.time())


def network_of(address: str) -> str:
    """What one client is counted by: all of IPv6 that one of them may be given, as it can change at will in it."""
    found = ip_of(address)
    if found is None:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
