"""What the operator chose when starting the service; checked once, here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.errors import ConfigError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

SQLITE_NAME, AUDIT_NAME = "maskwise.db", "audit.log"
"""In the service's folder."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller, and all of them together, may ask for.

    max_bytes: of one picture.
    max_pixels: of one picture, by its header: checked before a pixel is unpacked.
    max_pictures: in one request.
    waiting: pictures that may wait to be looked at; whoever comes then is answered 429.
    requests_per_minute: of one caller.
    streams: watched at once.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    max_pictures: int = 16
    waiting: int = 128
    requests_per_minute: int = 6000
    streams: int = 16

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"limits.{name}: {getattr(self, name)} must be above 0")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about one service.

    folder: for what is remembered: the SQLite file and the audit log.
    database: SQLAlchemy's URL of another database; the SQLite file in the folder if None.
    host, port: where it listens; port 0 takes a free one.
    names: host names that requests may name, besides those of this machine's loopback.
    model: folder of the artifact; `default` is the one that comes along.
    media: folders whose files may be watched as streams.
    sources: hosts and networks that streams may be opened from, besides what is allowed anyway.
    cores: that looking at pictures may take; 0 is all.
    behind_proxy: a proxy on this machine speaks TLS and says for whom it asks.
    proxies: addresses and networks of further machines where such a proxy is.
    log_addresses: the log says from which address of the network each request came.
    """

    folder: Path
    database: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    model: str = "default"
    media: tuple[Path, ...] = ()
    sources: tuple[str, ...] = ()
    cores: int = 0
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ()
    log_addresses: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port: {self.port} is not from 0 to 65535")
        if self.cores < 0:
            raise ConfigError(f"cores: {self.cores} is below 0; 0 takes every core")
        for folder in self.media:
            if not folder.is_dir():
                raise ConfigError(f"media: {folder} is not a folder")
        _ = self.believed

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def is_reachable(self) -> bool:
        """Whether others than this machine can reach it: then nobody gets in without a token."""
        return bool(self.believed) or not self.is_local

    @property
    def believed(self) -> tuple[Network, ...]:
        """Where the proxies are that are believed when they say for whom they ask.

        Raises:
            ConfigError: one that is neither an address nor a network.
        """
        return (*(LOOPBACK if self.behind_proxy else ()), *map(_network, self.proxies))

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL; holds the password, if there is one."""
        return self.database or f"sqlite:///{(self.folder / SQLITE_NAME).resolve()}"

    @property
    def audit_log(self) -> Path:
        """The sealed record of what was changed, and by whom."""
        return self.folder / AUDIT_NAME


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError as error:
        raise ConfigError(f"proxies: {text!r} is no address or network, as in 10.0.5.2 or 172.18.0.0/16") from error
