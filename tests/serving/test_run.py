"""The process: starts, answers, ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import httpx2 as httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from maskwise.serving.guard.identity import BELIEVED_S
from tests.cli.command_line import run
from tests.serving.process import PATIENCE_S, Served, command, environment, served

EVERYWHERE = "0.0.0.0"  # noqa: S104 - on the machine of the tests


def kinds(folder: Path) -> list[str]:
    return [json.loads(line)["kind"] for line in (folder / "audit.log").read_text().splitlines()]


def raw(service: Served, *pieces: bytes) -> bytes:
    """What comes back for these bytes."""
    host, port = service.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), PATIENCE_S)) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
            return client.recv(4000)
        except ConnectionError:
            return b""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a service manager, and what it was told."""
    heard: list[bytes] = []
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(PATIENCE_S)

        def listen() -> None:
            while b"STOPPING=1" not in heard:
                heard.append(ear.recv(100))

        thread = Thread(target=listen, daemon=True)
        thread.start()
        yield str(tmp_path / "notify"), heard
        thread.join(PATIENCE_S)


def test_it_says_where_it_is_and_ends_in_good_order(tmp_path: Path, told: tuple[str, list[bytes]]) -> None:
    address, heard = told
    folder = tmp_path / "service"
    with served(folder, "--log", "text", NOTIFY_SOCKET=address, WATCHDOG_USEC="2000000") as service:
        assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
        assert httpx.get(f"{service.url}/readyz").json() == {"status": "ready"}
        assert "server" not in httpx.get(service.url).headers
        look_at_heads(service)
        until_s = time.monotonic() + PATIENCE_S
        while b"WATCHDOG=1" not in heard and time.monotonic() < until_s:
            time.sleep(0.1)
        assert service.end() == 0
    assert kinds(folder) == ["service started", "service stopped"]
    assert "Traceback" not in service.said.read_text()
    assert (heard[0], heard[-1], b"WATCHDOG=1" in heard) == (b"READY=1", b"STOPPING=1", True)


def look_at_heads(service: Served) -> None:
    """What no library of clients would send."""
    begin = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    for head in (b"X: " + b"a" * 200_000, b"X: a\r\n" * 50_000, b"X" * 200_000):
        answer = raw(service, begin, *(head[at : at + 10_000] for at in range(0, len(head), 10_000)))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    answer = raw(service, b"GET /" + b"a" * 200_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert raw(service, begin, b"X: " + b"a" * 20_000, b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert raw(service, b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    for hosts in (b"", b"Host: evil.example\r\n", b"Host: localhost\r\nHost: evil.example\r\n"):
        answer = raw(service, b"GET /v1/session HTTP/1.1\r\n" + hosts + b"\r\n")
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))


def test_who_is_being_answered_is_answered_and_who_only_listens_is_not_waited_for(tmp_path: Path) -> None:
    body = json.dumps({"name": "boss", "role": "admin"}).encode()
    with served(tmp_path) as service, httpx.Client(timeout=PATIENCE_S) as client:
        host, port = service.url.removeprefix("http://").split(":")
        with (
            closing(socket.create_connection((host, int(port)), PATIENCE_S)) as slow,
            client.stream("GET", f"{service.url}/v1/live") as events,
            connect(f"{service.url.replace('http', 'ws')}/v1/live/pictures") as pictures,
        ):
            assert events.headers["content-type"].startswith("text/event-stream")
            head = f"POST /v1/tokens HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            slow.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
            httpx.get(f"{service.url}/healthz")  # the other one has been taken in before, and waits for its rest
            service.process.terminate()
            for _ in events.iter_bytes():
                pass  # it ends, and it ends whole
            with pytest.raises(ConnectionClosed):
                list(pictures)
            assert pictures.close_code == 1012
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{service.url}/healthz")
            slow.sendall(body[5:])
            assert slow.recv(1000).startswith(b"HTTP/1.1 201")
        assert service.process.wait(PATIENCE_S) == 0
    assert kinds(tmp_path) == ["service started", "token created", "service stopped"]


def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        host, port = service.url.removeprefix("http://").split(":")
        with closing(socket.create_connection((host, int(port)))) as client:
            head = f"POST /v1/tokens HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Content-Length: 50\r\n\r\n".encode())  # and nothing more
            time.sleep(0.3)
            service.process.terminate()
            time.sleep(0.1)
            service.process.terminate()  # the same signal once more: wrappers send it twice
            time.sleep(0.8)
            assert service.process.poll() is None
            assert service.end(signal.SIGINT) == 128 + signal.SIGINT


def test_a_signal_while_it_starts_is_heard(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE, env=environment())
    until_s = time.monotonic() + PATIENCE_S
    while not (tmp_path / "maskwise.db").exists() and time.monotonic() < until_s:
        time.sleep(0.01)
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert b"Traceback" not in said


def test_killed_it_comes_back(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        assert httpx.post(f"{service.url}/v1/tokens", json={"name": "boss", "role": "admin"}).status_code == 201
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
    with (tmp_path / "audit.log").open("ab") as file:
        file.write(b'{"n": 3, "at"')  # as a loss of power in the middle of a line would leave it
    with served(tmp_path) as service:
        assert httpx.get(f"{service.url}/v1/tokens").status_code == 401
        assert service.end() == 0
    assert kinds(tmp_path) == ["record begun anew", "service started", "service stopped"]
    assert len(list(tmp_path.glob("audit-*.log"))) == 1


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        (["--host", EVERYWHERE], {}, "maskwise token create NAME --role admin"),
        (["--behind-proxy"], {}, "maskwise token create NAME --role admin"),
        (["--proxy", "172.18.0.0/16"], {}, "maskwise token create NAME --role admin"),
        (["--proxy", "caddy"], {}, "proxies: 'caddy' is no address or network"),
        (["--waiting", "0"], {}, "limits.waiting: 0 must be above 0"),
        ([], {"MASKWISE_MAX_STREAMS": "0"}, "limits.streams: 0 must be above 0"),
        (["--host", EVERYWHERE], {"MASKWISE_TOKEN": "short"}, "MASKWISE_TOKEN: 24 characters at least"),
        (["--host", "203.0.113.77"], {"MASKWISE_TOKEN": "x" * 24}, "cannot listen at 203.0.113.77 port 0"),
        (["--host", "no such host"], {}, "--host no such host"),
        (["--media", "/no/such/folder"], {}, "is not a folder"),
        (["--model", "/no/such/model"], {}, "/no/such/model"),
        ([], {"MASKWISE_PORT": "65536"}, "65536"),
    ],
)
def test_one_line_says_why_it_does_not_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    variables: dict[str, str],
    said: str,
) -> None:
    for name, value in {"MASKWISE_FOLDER": str(tmp_path), "MASKWISE_PORT": "0", **variables}.items():
        monkeypatch.setenv(name, value)
    code, out, err = run(monkeypatch, capsys, "serve", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_port_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        code, out, err = run(monkeypatch, capsys, "serve", "--folder", str(tmp_path), "--port", port)
    assert (code, out) == (2, "")
    assert err == f"error: cannot listen at 127.0.0.1 port {port}: Address already in use; try --port 0"


def test_off_loopback_tokens_let_in_and_are_made_and_ended_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def token(*words: str) -> tuple[int, str, str]:
        return run(monkeypatch, capsys, "token", *words, "--folder", str(tmp_path))

    def status_with(secret: str) -> int:
        return httpx.get(f"{url}/v1/tokens", headers={"Authorization": f"Bearer {secret}"}).status_code

    first = "a-token-of-the-environment"
    with served(tmp_path, "--host", EVERYWHERE, "--log", "json", MASKWISE_TOKEN=first) as service:
        url = service.url.replace(EVERYWHERE, "127.0.0.1")
        assert httpx.get(f"{url}/v1/tokens").status_code == 401
        assert status_with(first) == 200
        code, out, _ = token("create", "boss", "--role", "admin", "--expires-days", "3")
        assert code == 0
        assert re.fullmatch(r"mw_[A-Za-z0-9_-]{43}\n", out)
        assert status_with(out.strip()) == 200
        assert token("create", "boss", "--role", "viewer")[0] == 2
        assert token("create", "local", "--role", "viewer")[0] == 2
        listed = token("list")[1]
        assert "boss" in listed
        assert out.strip() not in listed
        assert token("revoke", "boss")[0] == 0
        time.sleep(BELIEVED_S)
        assert status_with(out.strip()) == 401
        assert token("revoke", "boss")[0] == 2
        assert service.end(signal.SIGINT) == 0
    said = service.said.read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    asked = [(line["status"], line.get("caller")) for line in lines if line.get("route") == "/v1/tokens"]
    assert asked == [(200, "environment"), (200, "boss")]
    for secret in (first, out.strip(), "127.0.0.1"):
        assert secret not in said
