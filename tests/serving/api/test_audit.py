from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.serving.api import audit
from maskwise.serving.api.audit import lines_from_end
from maskwise.stream.outputs.audit_log import verify
from tests.serving.services import client, service


@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\n", b"a\nb", b"\n\na\n\n", b"a" * 50 + b"\nb\n" + b"c" * 33])
@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_lines_come_from_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, block: int) -> None:
    monkeypatch.setattr(audit, "BLOCK", block)
    (tmp_path / "file").write_bytes(content)
    assert list(lines_from_end(tmp_path / "file")) == content.split(b"\n")[::-1] or content == b""


def test_a_line_without_end_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LONGEST", 100)
    monkeypatch.setattr(audit, "BLOCK", 10)
    (tmp_path / "file").write_bytes(b"first\n" + b"x" * 1000 + b"\nlast\n")
    assert list(lines_from_end(tmp_path / "file")) == [b"", b"last"]


def test_the_newest_entries(tmp_path: Path) -> None:
    with service(tmp_path) as parts:
        for number in range(250):
            parts.audit.add("thing done", {"by": "boss", "number": number, "why": "x" * 400})
        with parts.settings.audit_log.open("ab") as file:
            file.write(b'{"n": 251, "at"')  # being written
        here = client(parts)
        entries = here.get("/v1/audit?limit=200").json()["entries"]
        assert [entry["n"] for entry in entries] == list(range(250, 50, -1))
        assert entries[0]["facts"]["number"] == 249
        assert entries[0]["seal"] == verify(parts.settings.audit_log).seal
        assert len(here.get("/v1/audit").json()["entries"]) == 100
        for limit in ("0", "1001", "x", "-1", "1e3", ""):
            assert here.get(f"/v1/audit?limit={limit}").status_code == 422
