"""The command line: one module for each verb. It translates and decides nothing.

Verbs import what they need when they run, so that `maskwise --help` answers at once and `maskwise check` never loads
torch.
"""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from maskwise import __version__
from maskwise.cli import (
    audit_log,
    batch,
    bench,
    check,
    compare,
    data,
    database,
    demo,
    evaluate,
    export,
    serve,
    token,
    train,
    watch,
)
from maskwise.cli.console import complain
from maskwise.errors import MaskwiseError

OF_VIDEO = ("apprise", "av", "paho", "psutil")
OF_SERVE = (
    "alembic",
    "fastapi",
    "limits",
    "multipart",
    "platformdirs",
    "prometheus_client",
    "psycopg",
    "sqlalchemy",
    "uvicorn",
)
OF_BATCH = ("fsspec", "pyarrow")
"""Packages that come with an extra; any other that may be missing comes with `train`."""

app = typer.Typer(
    name="maskwise",
    help="Find every face, say how its mask is worn, and say how far the answer can be trusted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"maskwise {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find every face, say how its mask is worn, and say how far the answer can be trusted."""


app.command("demo")(demo.run)
app.add_typer(data.app, name="data")
app.command("train")(train.run)
app.command("evaluate")(evaluate.run)
app.command("compare")(compare.run)
app.command("export")(export.run)
app.command("check")(check.run)
app.command("batch")(batch.run)
app.command("watch")(watch.run)
app.command("bench")(bench.run)
app.command("serve")(serve.run)
app.add_typer(token.app, name="token")
app.add_typer(database.app, name="database")
app.add_typer(audit_log.app, name="audit-log")


def main() -> None:
    """Entry point; a user's mistake becomes one clear line and exit code 2, never a traceback."""
    # Pillow warns of odd metadata in users' pictures; whether a picture can be used is said once, by us.
    warnings.filterwarnings("ignore", module=r"PIL\..*")
    try:
        app()
    except MaskwiseError as error:
        complain(str(error))
        sys.exit(2)
    except ModuleNotFoundError as error:  # a plain `pip install maskwise` can check pictures and nothing else
        if str(error.name).split(".")[0] == "maskwise":
            raise
        package = str(error.name).split(".")[0]
        extras = {"video": OF_VIDEO, "serve": OF_SERVE, "batch": OF_BATCH, "ray": ("ray",)}
        extra = next((name for name, packages in extras.items() if package in packages), "train")
        complain(f'this needs the package {package}, which is not installed; run: pip install "maskwise[{extra}]"')
        sys.exit(2)
