"""`maskwise data`: one module for each verb."""

from __future__ import annotations

import typer

from maskwise.cli.data import import_, show, split

app = typer.Typer(help="Take data in, look at it, split it.", no_args_is_help=True)
app.command("import")(import_.run)
app.command("show")(show.run)
app.command("split")(split.run)
