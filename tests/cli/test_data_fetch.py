from __future__ import annotations

import functools
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from maskwise.cli.data import fetch, list_
from maskwise.errors import ConfigError, DataError

APP = typer.Typer()
APP.command("fetch")(fetch.run)
APP.command("list")(list_.run)
RUN = CliRunner()

CATALOG = """
[faces]
title = "Faces of [bold]somebody"
home = "https://example.org"
layout = "classes"
root = "faces"
summary = "all the same"
unverified = ["everything"]
problems = [{{ text = "They are squares.", source = "seen" }}]
[faces.classes]
on = "masked"
without_mask = "unmasked"
[faces.licence]
name = "CC BY-NC 4.0"
url = "https://example.org/nc"
accept = true
[faces.get]
{get}
[faces.counts]
masked = 2
unmasked = 2
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the web with set.zip in it, and catalogs beside it: sets.toml, hand.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    www = tmp_path / "www"
    www.mkdir()
    with zipfile.ZipFile(www / "set.zip", "w") as archive:
        for folder in ("on", "without_mask"):
            for i in range(2):
                buffer = io.BytesIO()
                Pillow.new("RGB", (9, 9), (i, len(folder), 0)).save(buffer, "PNG")
                archive.writestr(f"faces/{folder}/{i}.png", buffer.getvalue())
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(www)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/set.zip"
    (tmp_path / "sets.toml").write_text(CATALOG.format(get=f'how = "download"\nfiles = [{{ url = "{url}" }}]'))
    (tmp_path / "hand.toml").write_text(CATALOG.format(get='how = "by hand"\nsteps = ["Sign in.", "Download it."]'))
    yield www
    server.shutdown()
    server.server_close()


def run(*arguments: str | Path) -> Any:
    result = RUN.invoke(APP, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_fetch_ends_with_the_line_to_go_on_with(served: Path) -> None:
    result = run("fetch", "faces", "--catalog", "sets.toml", "--accept-licence")
    assert "faces is fetched: data/faces/data/faces, 4 files (4 pictures, 2 masked, 2 unmasked)" in result.stdout
    assert (
        "maskwise data import data/faces/data/faces --format classes --alias on=masked --source faces -o faces.parquet"
        in result.stdout
    )
    assert "no checksum of it is published" in result.stderr
    (served / "set.zip").unlink()
    again = run("fetch", "faces", "--catalog", "sets.toml")
    assert "faces was there already and is unaltered" in again.stdout


def test_json_is_one_object_on_stdout(served: Path, tmp_path: Path) -> None:
    result = run("fetch", "faces", "--catalog", "sets.toml", "--accept-licence", "-o", tmp_path / "out", "--json")
    told = json.loads(result.stdout)
    assert told["name"] == "faces"
    assert served.exists()
    assert told["data"] == str(tmp_path / "out/data/faces")
    assert told["import"].startswith("maskwise data import ")
    assert (told["already"], told["accepted"], told["files"]) == (False, True, 4)
    assert told["archives"][0]["trust"] == "first use"


def test_a_licence_is_shown_and_has_to_be_accepted(served: Path) -> None:
    with pytest.raises(ConfigError, match=r"CC BY-NC 4.0. https://example.org/nc. Fetch it with --accept-licence"):
        run("fetch", "faces", "--catalog", "sets.toml")
    assert not Path("data").exists()
    assert served.exists()


def test_by_hand_it_explains_and_then_takes_the_file(served: Path) -> None:
    with pytest.raises(DataError, match=r"1. Sign in.\n  2. Download it.\n.*CC BY-NC"):
        run("fetch", "faces", "--catalog", "hand.toml")
    result = run("fetch", "faces", "--catalog", "hand.toml", "--accept-licence", "--from", served / "set.zip")
    assert "faces is fetched" in result.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max-bytes", "10"], r"allowed are 10; see --max-bytes"),
        (["--sha256", "0" * 64], r"has the SHA-256 .* you gave"),
        (["--from", "nothing.zip"], r"there is no nothing.zip"),
    ],
)
def test_what_fails(flags: list[str], message: str, served: Path) -> None:
    with pytest.raises(DataError, match=message):
        run("fetch", "faces", "--catalog", "sets.toml", "--accept-licence", *flags)
    assert served.exists()
    assert not Path("data/faces/data").exists()


def test_lists_say_how_to_go_on(served: Path) -> None:
    text = (
        Path("sets.toml")
        .read_text()
        .replace('"classes"', '"lists"')
        .replace("[faces.get]", "[faces.get]\nsteps = ['Get them.']")
    )
    Path("sets.toml").write_text(text.replace('root = "faces"', ""))
    result = run("fetch", "faces", "--catalog", "sets.toml", "--accept-licence")
    assert "It holds no pictures. To go on:\n  1. Get them." in result.stdout
    assert served.exists()


def test_the_list_shows_every_set_of_the_catalog() -> None:
    from maskwise.data.catalog import public

    shown = run("list").stdout
    for name in public():
        assert name in shown
    assert "853" in shown


def test_the_list_as_json() -> None:
    told = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert told["fmld"]["aliases"]["incorrectly_masked_face"] == "incorrect"
    assert told["andrewmvd"]["counts"]["pictures"] == 853
    assert [entry["name"] for entry in json.loads(run("list", "rmfd", "--json").stdout)] == ["rmfd"]


def test_one_set_is_shown_in_full(served: Path) -> None:
    shown = run("list", "faces", "--catalog", "sets.toml").stdout
    for text in ("Faces of [bold]somebody", "on = masked", "CC BY-NC 4.0", "They are squares. [seen]", "- everything"):
        assert text in shown
    assert "set.zip" in shown
    assert served.exists()


def test_a_set_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="did you mean 'rmfd'"):
        run("list", "rmdf")
    with pytest.raises(ConfigError, match="did you mean 'rmfd'"):
        run("fetch", "rmdf")


def test_importing_the_verbs_is_cheap() -> None:
    code = "import sys, maskwise.cli.data.list_ as _; sys.exit(bool({'httpx2', 'polars'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
