"""Before the service starts: there is somebody who may get in, or nobody but this machine can reach it."""

from __future__ import annotations

import time
from contextlib import closing

from maskwise.errors import ConfigError
from maskwise.serving.guard.hashing import digest_of
from maskwise.serving.operating.record import record
from maskwise.serving.settings import Settings
from maskwise.serving.store import tokens
from maskwise.serving.store.database import Database

VARIABLE, NAME = "MASKWISE_TOKEN", "environment"
"""Of the environment that may bring an admin's token, and what that token is called."""

LEAST_CHARACTERS = 24


def prepare(settings: Settings, given: str | None) -> None:
    """Take in the token of the environment, and see that a service others can reach has an admin.

    Args:
        settings: of the service.
        given: the token of the environment; one that was given before under its name ends.

    Raises:
        ConfigError: the token is too easy to guess, or there is none where one is needed.
    """
    with closing(Database(settings.database_url)) as database:
        if given:
            _take(database, settings, given)
        with database.read() as session:
            is_safe = not settings.is_reachable or tokens.has_admin(session, time.time())
    if not is_safe:
        raise ConfigError(
            "others than this machine can reach the service, and it has no token of an admin; run: "
            f"maskwise token create NAME --role admin (same --folder and --database), or set {VARIABLE}"
        )


def _take(database: Database, settings: Settings, given: str) -> None:
    if len(given) < LEAST_CHARACTERS or not given.isascii() or not given.isprintable() or " " in given:
        raise ConfigError(
            f"{VARIABLE}: {LEAST_CHARACTERS} characters at least, no spaces; `openssl rand -hex 32` makes a good one"
        )
    with database.begin() as session:
        known = tokens.with_digest(session, digest_of(given))
        if known is not None:
            if known.role != "admin" or tokens.find(session, given, time.time()) is None:
                raise ConfigError(f"{VARIABLE}: the token {known.name} has expired or is not one of an admin")
            return
        before = tokens.named(session, NAME)
        if before is not None:
            tokens.revoke(session, before.id)
        tokens.add(session, NAME, "admin", given, time.time())
    record(settings.audit_log).add("token created", {"by": "environment", "name": NAME, "role": "admin"})
