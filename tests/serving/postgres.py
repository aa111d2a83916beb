"""A real PostgreSQL server for tests: in a temporary folder, on a free port, as a user without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROLE, PASSWORD = "maskwise", "sesam-öffne?dich"
WRITTEN = "sesam-%C3%B6ffne%3Fdich"
"""The password as it stands in a URL."""

NOT_FOR_TESTS = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return (
        Path(found).resolve().parent
        if found
        else next((folder for folder in folders if (folder / "initdb").exists()), None)
    )


@dataclass(slots=True)
class Server:
    """A server that can be stopped and started again."""

    programs: Path
    folder: Path
    port: int
    running: subprocess.Popen[bytes] | None = None
    made: int = 0
    free: list[str] = field(default_factory=list)

    def url(self, name: str, user: str = ROLE, password: str = WRITTEN) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """The URL of an empty one."""
        if self.free:
            return self.url(self.free.pop())
        self.made += 1
        name = f"test_{self.made}"
        self.sql(f'CREATE DATABASE "{name}"', quicker=" STRATEGY file_copy")
        return self.url(name)

    def take_back(self, url: str) -> None:
        """Empty a database for the next who asks: quicker than to make another one, and to delete them all."""
        name = url.rpartition("/")[2]
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        self.sql("DROP SCHEMA public CASCADE", name=name)
        self.sql("CREATE SCHEMA public", name=name)
        self.free.append(name)

    def sql(self, statement: str, quicker: str = "", name: str = "postgres") -> None:
        """Run it; with what makes it quicker since PostgreSQL 15."""
        import psycopg

        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(f"{statement}{quicker if connection.info.server_version >= 150000 else ''}".encode())

    def start(self) -> None:
        command: list[str | Path] = [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [*command, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", *NOT_FOR_TESTS],
                stdout=log,
                stderr=log,
                user=_user(),
                group=_group(),
                extra_groups=[] if _user() else None,
                cwd=self.folder,
            )
        for _ in range(300):
            if (
                subprocess.run([self.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-q"]).returncode
                == 0
            ):
                return
            if self.running.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Transactions are undone, connections closed; by SIGQUIT nothing is even tidied up."""
        if self.running:
            self.running.send_signal(how)
            self.running.wait(60)
            self.running = None


def _user() -> int | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _group() -> int | None:
    return pwd.getpwnam("nobody").pw_gid if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _prepared(folder: Path, found: Path) -> Server:
    word = folder / "word"
    word.write_text(PASSWORD, encoding="utf-8")
    if os.geteuid() == 0:
        for path in (folder, word):
            os.chown(path, _user() or 0, _group() or 0)
    command: list[str | Path] = [
        found / "initdb",
        "-D",
        folder / "data",
        "-U",
        ROLE,
        "--pwfile",
        word,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
    ]
    subprocess.run(
        [*command, "--no-sync", "--locale=C"],
        check=True,
        capture_output=True,
        user=_user(),
        group=_group(),
        extra_groups=[] if _user() else None,
        cwd=folder,
    )
    return Server(found, folder, _free_port())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of a run."""
    found = programs()
    if found is None:
        reason = "PostgreSQL is not installed (Debian: apt-get install postgresql); only SQLite can be tested"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="maskwise-postgres-"))  # a short path: it holds a socket
    server = None
    try:
        server = _prepared(folder, found)
        server.start()
        yield server
    finally:
        if server:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of an empty database of one kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'maskwise.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.take_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of either kind."""
    with empty(request.param, request, tmp_path / "store") as url:
        yield url
