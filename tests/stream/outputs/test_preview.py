"""The page on this machine, asked for over real HTTP."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.errors import StorageError
from maskwise.stream.outputs.preview import HOST, Preview
from tests.stream.one_moment import moment

FACE = (1, (16.0, 16.0, 64.0, 80.0), "unmasked")


def port_of(preview: Preview) -> int:
    return int(preview.address.rstrip("/").rpartition(":")[2])


def ask(preview: Preview, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(HOST, port_of(preview), timeout=5)
    connection.request("GET", path, headers={"Host": host} if host else {})
    return connection.getresponse()


def one_picture(response: http.client.HTTPResponse) -> Pillow.Image:
    assert response.readline().startswith(b"--")
    length = 0
    while (line := response.readline().strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return Pillow.open(BytesIO(response.read(length)))


def keep_showing(preview: Preview, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        preview.look(moment(number / 10, [FACE]))
        number += 1
        time.sleep(0.02)


def test_a_browser_sees_the_stream() -> None:
    stop = threading.Event()
    with Preview(0, "all") as preview:
        page = ask(preview, "/")
        assert (page.status, page.getheader("Cache-Control")) == (200, "no-store")
        assert b"stream.mjpg" in page.read()
        shower = threading.Thread(target=keep_showing, args=(preview, stop))
        shower.start()
        try:
            stream = ask(preview, "/stream.mjpg")
            assert stream.getheader("Content-Type", "").startswith("multipart/x-mixed-replace")
            pictures = [one_picture(stream) for _ in range(2) if _ == 0 or stream.readline() == b"\r\n"]
        finally:
            stop.set()
            shower.join()
    assert [picture.size for picture in pictures] == [(160, 120)] * 2
    assert np.asarray(pictures[0].convert("RGB")).std() > 1, "somebody is drawn"


def test_nothing_is_drawn_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr("maskwise.stream.outputs.preview.drawn", lambda *given: drawn.append(given))
    with Preview(0, "all") as preview:
        preview.look(moment(0.0, [FACE]))
    assert drawn == []


@pytest.mark.parametrize("host", ["evil.example:80", "evil.example", ""])
def test_a_foreign_name_for_this_machine_gets_nothing(host: str) -> None:
    with Preview(0, "all") as preview:
        assert ask(preview, "/stream.mjpg", host or "x").status == 403


def test_it_listens_on_this_machine_only() -> None:
    with Preview(0, "all") as preview:
        port = port_of(preview)
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in others - {"127.0.0.1"}:
            if str(address).startswith("127."):
                continue
            with socket.socket() as probe:
                probe.settimeout(2)
                assert probe.connect_ex((str(address), port)) != 0
        with socket.socket() as probe:
            assert probe.connect_ex((HOST, port)) == 0


def test_a_taken_port_is_one_line() -> None:
    with Preview(0, "all") as preview, pytest.raises(StorageError, match="cannot be used"):
        Preview(port_of(preview), "all")
