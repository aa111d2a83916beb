"""`maskwise data`: one module for each verb."""

from __future__ import annotations

import typer

from maskwise.cli.data import audit, convert, fetch, film, import_, list_, render, show, split

app = typer.Typer(help="Fetch data, take it in, judge it, look at it, split it.", no_args_is_help=True)
app.command("import")(import_.run)
app.command("convert")(convert.run)
app.command("show")(show.run)
app.command("audit")(audit.run)
app.command("split")(split.run)
app.command("render")(render.run)
app.command("film")(film.run)
app.command("list")(list_.run)
app.command("fetch")(fetch.run)
