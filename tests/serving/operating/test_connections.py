"""What connections may not do, over real sockets to a real server."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, cast

import pytest
import uvicorn

from maskwise.serving.operating import connections
from maskwise.serving.operating.connections import Connection, SocketConnection
from maskwise.serving.settings import Network
from tests.serving.awaiting import awaited

PATIENCE_S = 20.0
LARGE = b"x" * 20_000_000
"""More than the network takes in."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; `/early` before it came, `/large` with much."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": LARGE})
            await send({"type": "websocket.send", "bytes": LARGE})
        return
    count = 0
    while scope["path"] != "/early":
        message = await receive()
        count += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = LARGE if scope["path"] == "/large" else str(count).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def serving(proxies: tuple[Network, ...] = ()) -> AsyncIterator[tuple[Server, int]]:
    http = cast(type[asyncio.Protocol], partial(Connection, proxies=proxies))
    config = uvicorn.Config(
        app, port=0, http=http, ws=SocketConnection, log_config=None, access_log=False, lifespan="off",
        ws_ping_interval=None,
    )  # fmt: skip
    server = Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running


def run(test: Callable[[Server, int], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE_S), serving() as (server, port):
            await test(server, port)

    awaited(whole())


async def said(port: int, *pieces: bytes, until_closed: bool = True) -> bytes:
    """What comes back for these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read() if until_closed else await reader.readuntil(b"\r\n\r\n")
    except ConnectionError:
        return b""
    finally:
        writer.close()


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize(
    "sent",
    [
        b"nothing of the kind\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_problem(sent: bytes) -> None:
    async def test(_: Server, port: int) -> None:
        answer = await said(port, sent)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert problem(answer)["status"] == 400

    run(test)


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "endless",
    [
        b"0\r\n" + b"X: y\r\n" * 100_000,  # headers after the body
        b"0\r\nX: " + b"y" * 600_000,
        b"".join(b"1;%s\r\nx\r\n" % (b"y" * 1000) for _ in range(600)),  # what is said of each chunk
        b"1;" + b"y" * 600_000,
    ],
)
def test_what_surrounds_a_body_is_bounded(endless: bytes) -> None:
    async def test(_: Server, port: int) -> None:
        answer = await said(port, CHUNKED, endless)
        assert answer == b"" or problem(answer)["status"] == 400

    run(test)


def test_small_chunks_are_no_attack() -> None:
    async def test(_: Server, port: int) -> None:
        answer = await said(port, CHUNKED, b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
        assert answer.endswith(b"\r\n\r\n50000")

    run(test)


def test_a_head_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)

    async def test(_: Server, port: int) -> None:
        assert await said(port) == b""
        assert await said(port, b"GET / HTTP/1.1\r\nX: ") == b""
        assert b"200 OK" in await said(port, b"GET / HTTP/1.1\r\n", b"Connection: close\r\n\r\n")

    run(test)


def test_a_body_that_nobody_reads_has_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REST_S", 0.3)

    async def test(_: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n0")
        while not reader.at_eof() and reader.exception() is None:
            writer.write(b"x")  # a byte now and then, which puts the end of an idle connection off
            await asyncio.sleep(0.05)

    run(test)


def test_a_connection_goes_on_after_a_body_that_nobody_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REST_S", 0.3)

    async def test(_: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for wait_s in (0.0, 0.4):
            writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n0")
            writer.write(b"0123456789")
            await asyncio.sleep(wait_s)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n12")
        assert (await reader.read()).endswith(b"\r\n\r\n2")

    run(test)


def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STALLED_S", 0.3)

    async def test(server: Server, port: int) -> None:
        for path, more in (("/large", b""), ("/large", b"Connection: close\r\n"), ("/socket", SOCKET)):
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() + more + b"\r\n")
            if path == "/socket":
                await asyncio.sleep(0.1)
                writer.write(b"\x81\x81\0\0\0\0x")
            await asyncio.sleep(0.1)
            assert server.server_state.connections
            while server.server_state.connections or server.server_state.tasks:
                await asyncio.sleep(0.05)
            writer.transport.abort()

    run(test)


SOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def test_connections_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 3)

    async def test(_: Server, port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        held[0][1].write(b"GET /socket HTTP/1.1\r\nHost: x\r\n" + SOCKET + b"\r\n")
        assert b"101" in await held[0][0].readuntil(b"\r\n\r\n")
        answer = await said(port)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 5\r\n" in answer
        assert problem(answer)["status"] == 503
        held[0][1].transport.abort()
        while b"200 OK" not in await said(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
            await asyncio.sleep(0.02)
        for one in held:
            one[1].close()

    run(test)


@pytest.mark.parametrize(
    ("client", "proxies", "refused"),
    [("10.0.0.7", (), True), ("10.0.0.7", ("10.0.0.0/8",), False), ("127.0.0.1", (), False)],
)
def test_one_client_does_not_take_them_all(
    monkeypatch: pytest.MonkeyPatch, client: str, proxies: tuple[str, ...], refused: bool
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_ONE", 2)
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.get_remote_addr", lambda _: (client, 5))

    async def test() -> None:
        networks = tuple(map(ipaddress.ip_network, proxies))
        async with asyncio.timeout(PATIENCE_S), serving(networks) as (_, port):
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            answer = await said(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 503" if refused else b"HTTP/1.1 200")
            for _, writer in held:
                writer.close()

    awaited(test())
