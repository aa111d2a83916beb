"""The database: one engine, a transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from maskwise.serving.store import schema
from maskwise.serving.store.engines import create_file, engine_of, reading, told, url_of


class Database:
    """SQLite or PostgreSQL; usable from several threads."""

    def __init__(self, url: str) -> None:
        """Connect; the tables are brought up to date.

        Args:
            url: `postgresql://` or `sqlite:///`, see `engines.url_of`.

        Raises:
            ConfigError: the URL is not one of these.
            StorageError: it cannot be used: out of reach, refused, damaged, or of a newer program.
        """
        self._url = url_of(url)
        self.engine = engine_of(self._url)
        self._reading = reading(self.engine)
        if self.engine.dialect.name == "sqlite":
            create_file(self._url)
        try:
            with told(self._url):
                schema.upgrade(self.engine)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction that may change things: all of it is kept on leaving, none of it if an error is raised.

        Raises:
            StorageError: the database cannot be used at the moment.
        """
        with told(self._url), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees everything as of one moment and changes nothing; it waits for no writer.

        Raises:
            StorageError: the database cannot be used at the moment.
        """
        with told(self._url), Session(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()
