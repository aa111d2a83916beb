"""`maskwise serve`: REST and a web page."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskwise.cli.console import say

if TYPE_CHECKING:
    from maskwise.serving.settings import Settings

Folder = Annotated[
    Path | None,
    typer.Option(help="Where what is remembered lies; the user's data folder if none.", envvar="MASKWISE_FOLDER"),
]
Database = Annotated[
    str | None,
    typer.Option(help="Another database, as postgresql+psycopg://user:password@host/name", envvar="MASKWISE_DATABASE"),
]


def run(
    host: Annotated[str, typer.Option(help="Address to listen at.", envvar="MASKWISE_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", envvar="MASKWISE_PORT")] = 8000,
    folder: Folder = None,
    database: Database = None,
    model: Annotated[str, typer.Option(help="Folder of the artifact.", envvar="MASKWISE_MODEL")] = "default",
    media: Annotated[
        list[Path] | None, typer.Option(help="Folder whose films may be watched as streams.", envvar="MASKWISE_MEDIA")
    ] = None,
    allow_source: Annotated[
        list[str] | None,
        typer.Option(help="Host or network from which streams may be opened.", envvar="MASKWISE_ALLOW_SOURCE"),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Host name by which the service is called.", envvar="MASKWISE_NAME")
    ] = None,
    cores: Annotated[
        int, typer.Option(help="For looking at pictures; 0 takes every core.", envvar="MASKWISE_CORES")
    ] = 0,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy on this machine speaks TLS.", envvar="MASKWISE_BEHIND_PROXY")
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of another machine where such a proxy is.", envvar="MASKWISE_PROXY"),
    ] = None,
    waiting: Annotated[int, typer.Option(help="Pictures that may wait; 429 beyond.", envvar="MASKWISE_WAITING")] = 128,
    max_streams: Annotated[int, typer.Option(help="Streams watched at once.", envvar="MASKWISE_MAX_STREAMS")] = 16,
    requests_per_minute: Annotated[
        int, typer.Option(help="Of one caller; 429 beyond.", envvar="MASKWISE_REQUESTS_PER_MINUTE")
    ] = 6000,
    log: Annotated[
        Literal["json", "text"] | None,
        typer.Option(help="Form of the log on stderr; text on a terminal.", envvar="MASKWISE_LOG"),
    ] = None,
    log_addresses: Annotated[
        bool, typer.Option("--log-addresses", help="Log who asked from where.", envvar="MASKWISE_LOG_ADDRESSES")
    ] = False,
) -> None:
    """Serve REST and a web page until Ctrl-C.

    Only this machine can reach it unless --host says otherwise; then it needs a token: `maskwise token create`.
    Exit code 2: the port is taken, there is no token, or something cannot be used.
    """
    from maskwise.serving.operating import logs
    from maskwise.serving.run import run as serve
    from maskwise.serving.settings import Limits, Settings

    settings = Settings(
        folder=folder or default_folder(),
        database=database,
        host=host,
        port=port,
        names=tuple(name or ()),
        model=model,
        media=tuple(media or ()),
        sources=tuple(allow_source or ()),
        cores=cores,
        behind_proxy=behind_proxy,
        proxies=tuple(proxy or ()),
        limits=Limits(waiting=waiting, streams=max_streams, requests_per_minute=requests_per_minute),
        log_addresses=log_addresses,
    )
    form = log or ("text" if sys.stderr.isatty() else "json")
    logs.set_up(form)
    serve(settings, say if form == "text" else logging.getLogger("maskwise.serving").info)


def settings_of(folder: Path | None, database: str | None) -> Settings:
    """Where a service with these options keeps what it remembers."""
    from maskwise.serving.settings import Settings

    return Settings(folder=folder or default_folder(), database=database)


def default_folder() -> Path:
    """The user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("maskwise", appauthor=False)
