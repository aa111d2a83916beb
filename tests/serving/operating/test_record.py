from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskwise.serving.operating import record as module
from maskwise.serving.operating.record import record
from maskwise.stream.outputs.audit_log import verify


@pytest.mark.parametrize("harm", [b'{"n": 3, "at": "2', b"nothing of ours\n", None])
def test_a_record_that_is_not_sound_is_kept_and_another_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: bytes | None
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    path = tmp_path / "audit.log"
    for kind in ("one", "two"):
        record(path).add(kind, {})
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"one", b"won") if harm is None else sound + harm)
    before = path.read_bytes()
    record(path).add("three", {})
    (kept,) = tmp_path.glob("audit-*.log")
    assert kept.read_bytes() == before
    first, second = map(json.loads, path.read_text().splitlines())
    assert (first["kind"], first["facts"]["kept"], second["kind"]) == ("record begun anew", kept.name, "three")
    assert verify(path).broken is None


def test_a_sound_one_goes_on(tmp_path: Path) -> None:
    for _ in range(3):
        record(tmp_path / "audit.log").add("one", {})
    assert verify(tmp_path / "audit.log").entries == 3
    assert len(list(tmp_path.iterdir())) == 1
