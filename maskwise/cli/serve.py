"""`maskwise serve`: REST and a web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.console import say


def run(
    host: Annotated[str, typer.Option(help="Address to listen at.", envvar="MASKWISE_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.", envvar="MASKWISE_PORT")] = 8000,
    folder: Annotated[
        Path | None, typer.Option(help="Where what is remembered lies.", envvar="MASKWISE_FOLDER")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="Another database, as postgresql://...", envvar="MASKWISE_DATABASE")
    ] = None,
    model: Annotated[str, typer.Option(help="Folder of the artifact.", envvar="MASKWISE_MODEL")] = "default",
) -> None:
    """Serve REST and a web page until Ctrl-C."""
    from platformdirs import user_data_path

    from maskwise.serving.run import run as serve
    from maskwise.serving.settings import Settings

    folder = folder or user_data_path("maskwise", appauthor=False)
    serve(Settings(folder, database, host, port, model=model), say)
