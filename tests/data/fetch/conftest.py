from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.data.fetch.site import Site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served = Site()
    yield served
    served.released.set()
    served.server.shutdown()
    served.server.server_close()
