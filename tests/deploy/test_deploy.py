"""The files that install the service elsewhere: each is linted by its own tool, and the image is rehearsed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.needs import program

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(DEPLOY.glob("*.service")) + sorted(DEPLOY.glob("*.timer"))
TOKEN = "mw_" + "0123456789abcdef" * 3


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    found = subprocess.run(
        ["hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False, env=_path()
    )
    assert found.stdout == ""
    assert found.returncode == 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_knows_every_line_of_a_unit(unit: Path, tmp_path: Path) -> None:
    verify = program("systemd-analyze")
    for one in UNITS:  # a timer is verified together with its service; the program is there once it is installed
        text = one.read_text().replace("/opt/maskwise/bin/maskwise", shutil.which("true") or "/bin/true")
        (tmp_path / one.name).write_text(text)
    found = subprocess.run([verify, "verify", tmp_path / unit.name], capture_output=True, text=True, check=False)
    about = [line for line in found.stderr.splitlines() if str(tmp_path) in line or unit.name in line]
    assert about == []


def test_the_unit_has_few_rights() -> None:
    verify = program("systemd-analyze")
    found = subprocess.run(
        [verify, "security", "--offline=true", "--threshold=20", DEPLOY / "maskwise.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-400:]


def test_compose_takes_the_composition(tmp_path: Path) -> None:
    compose = program("docker-compose")
    text = (DEPLOY / "compose.yaml").read_text()
    here = tmp_path / "compose.yaml"
    here.write_text(text.replace("name: maskwise\n\n", ""))  # Debian's compose is older than names of projects
    env = {**os.environ, "MASKWISE_TOKEN": TOKEN, "POSTGRES_PASSWORD": "a"}
    found = subprocess.run(
        [compose, "--file", here, "config"], capture_output=True, text=True, check=False, env=env, cwd=DEPLOY
    )
    assert found.returncode == 0, found.stderr
    ours = yaml.safe_load(found.stdout)["services"]["maskwise"]["environment"]
    assert ours["MASKWISE_DATABASE"] == "postgresql://maskwise:a@database/maskwise"
    del env["MASKWISE_TOKEN"]
    refused = subprocess.run(
        [compose, "--file", here, "config"], capture_output=True, text=True, check=False, env=env, cwd=DEPLOY
    )
    assert refused.returncode != 0
    assert "see the head of compose.yaml" in refused.stderr


def test_the_composition_is_closed_to_the_outside() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    ours, database = composed["services"]["maskwise"], composed["services"]["database"]
    assert ours["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in database
    assert re.fullmatch(r"postgres:\d+-\w+", database["image"])
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in composed["services"].values())
    assert database["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert ours["environment"]["MASKWISE_TOKEN"].startswith("${MASKWISE_TOKEN:?")


def test_every_variable_that_is_set_is_one_that_the_program_reads() -> None:
    told = " ".join((DEPLOY / name).read_text() for name in ("Dockerfile", "compose.yaml", "maskwise.service"))
    read = " ".join(path.read_text() for path in (REPOSITORY / "maskwise").rglob("*.py"))
    for name in set(re.findall(r"\bMASKWISE_[A-Z_]+\b", told)):
        assert f'"{name}"' in read, name


@pytest.mark.slow
def test_the_image_builds_starts_answers_and_ends(tmp_path: Path) -> None:
    """Every instruction is carried out on an overlay of this machine; the image then runs as compose runs it."""
    unshare = program("unshare")
    if os.geteuid() != 0 or subprocess.run([unshare, "--mount", "true"], check=False).returncode:
        pytest.skip("file systems can only be mounted by root; nothing else stands for an image here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"MASKWISE_PORT": str(port), "MASKWISE_TOKEN": TOKEN}
    command = [
        sys.executable,
        "-m",
        "tests.deploy.rehearsal",
        DEPLOY / "Dockerfile",
        REPOSITORY,
        tmp_path,
        json.dumps(env),
    ]
    with subprocess.Popen(
        [unshare, "--mount", "--propagation", "private", *map(str, command)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as rehearsal:  # fmt: skip
        assert rehearsal.stdout
        assert rehearsal.stdin
        lines = iter(rehearsal.stdout.readline, "")
        said = next((line for line in lines if line.startswith('{"healthy"')), "{}")
        assert json.loads(said) == {"healthy": True, "running": True}
        here = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
        assert here.get("/v1/models").status_code == 401
        here.headers["Authorization"] = f"Bearer {TOKEN}"
        assert here.get("/v1/models").json()["models"][0]["name"] == "default"
        picture = (REPOSITORY / "docs" / "images" / "demo.jpg").read_bytes()
        found = here.post("/v1/check", content=picture, headers={"Content-Type": "image/jpeg"}).json()
        assert len(found["results"][0]["faces"]) > 1
        assert here.get("/runtime/ort.wasm.min.mjs").status_code == 200
        rehearsal.stdin.close()
        ended = json.loads(rehearsal.stdout.read().splitlines()[-1])
    assert ended["code"] == 0
    assert {name for name in ended["changed"] if not name.startswith("/data/")} == set()  # its root is read-only
    assert set(ended["data"].values()) == {"0o600"}


def _path() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
