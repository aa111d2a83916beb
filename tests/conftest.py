from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.postgres import database_url, postgres  # noqa: F401 - fixtures

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real pictures for development; not part of the repository."""
    path = REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("the development pictures are not here; the embedded data proves the main path")
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("MASKWISE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
