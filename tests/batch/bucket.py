"""An S3 server of its own for a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket; this process and those that it starts find it."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        fs = fsspec.filesystem("s3", skip_instance_cache=True)
        name = f"pictures-{uuid.uuid4().hex}"  # servers of one process share what they hold
        fs.mkdir(name)
        yield f"s3://{name}"
    finally:
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        server.stop()
