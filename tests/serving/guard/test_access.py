from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from maskwise.errors import ConfigError
from maskwise.serving.guard.access import prepare
from maskwise.serving.guard.hashing import digest_of
from maskwise.serving.guard.roles import Role
from maskwise.serving.settings import Settings
from maskwise.serving.store import tokens
from maskwise.serving.store.database import Database

GOOD = "0123456789abcdef01234567"

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound


def known(settings: Settings) -> dict[str, str]:
    with closing(Database(settings.database_url)) as database, database.begin() as session:
        return {token.name: token.role for token in tokens.listed(session)}


def put(settings: Settings, role: Role, expires_s: float | None = None, secret: str | None = None) -> None:
    with closing(Database(settings.database_url)) as database, database.begin() as session:
        tokens.add(session, role, role, secret or "other", time.time(), expires_s)


@pytest.mark.parametrize(
    "given", ["short", "x" * 23, "x" * 24 + " y", " " * 30, "\u00e9" * 30, "x" * 30 + "\n", "y" * 24 + "\x7f"]
)
def test_a_token_that_is_easy_to_guess_is_not_taken(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigError, match="MASKWISE_TOKEN: 24 characters at least") as refused:
        prepare(Settings(tmp_path), given)
    assert given.strip() == "" or given not in str(refused.value)


def test_the_environment_brings_an_admin_once(tmp_path: Path) -> None:
    settings = Settings(tmp_path, host=EVERYWHERE)
    for _ in range(2):
        prepare(settings, GOOD)
    assert known(settings) == {"environment": "admin"}
    lines = settings.audit_log.read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["token created"]
    assert GOOD not in settings.audit_log.read_text()


def test_another_one_takes_its_place(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    prepare(settings, GOOD)
    prepare(settings, "z" * 24)
    with closing(Database(settings.database_url)) as database, database.begin() as session:
        assert tokens.with_digest(session, digest_of(GOOD)) is None
        assert tokens.find(session, "z" * 24, time.time()) is not None


@pytest.mark.parametrize("settings", [{"host": EVERYWHERE}, {"host": "10.1.2.3"}, {"behind_proxy": True}])
@pytest.mark.parametrize(
    ("role", "expires_in_s", "is_enough"),
    [(None, None, False), ("viewer", None, False), ("operator", None, False), ("admin", -1.0, False),
     ("admin", 60.0, True), ("admin", None, True)],
)  # fmt: skip
def test_whoever_can_be_reached_has_an_admin(
    tmp_path: Path, settings: dict[str, str], role: Role | None, expires_in_s: float | None, is_enough: bool
) -> None:
    chosen = Settings(tmp_path, **settings)  # type: ignore[arg-type]
    if role:
        put(chosen, role, None if expires_in_s is None else time.time() + expires_in_s)
    if is_enough:
        prepare(chosen, None)
    else:
        with pytest.raises(ConfigError, match="maskwise token create NAME --role admin"):
            prepare(chosen, None)


def test_a_token_known_as_less_is_not_an_admin(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    put(settings, "viewer", secret=GOOD)
    with pytest.raises(ConfigError, match="not one of an admin"):
        prepare(settings, GOOD)
