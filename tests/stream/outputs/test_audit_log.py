from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maskwise.errors import InputError, StorageError
from maskwise.stream.outputs.audit_log import FIRST, AuditLog, verify


def written(path: Path, count: int = 5) -> list[str]:
    log = AuditLog(path, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return [log.add("alarm", {"person": i, "verdict": "unmasked"}) for i in range(count)]


def test_a_record_is_sound_and_says_its_last_seal(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    seals = written(path)
    found = verify(path)
    assert (found.entries, found.seal, found.broken) == (5, seals[-1], None)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [e["n"] for e in entries] == [1, 2, 3, 4, 5]
    assert entries[0]["before"] == FIRST
    assert entries[2] == {
        "n": 3,
        "at": "2026-01-01T00:00:00+00:00",
        "kind": "alarm",
        "facts": {"person": 2, "verdict": "unmasked"},
        "before": seals[1],
        "seal": seals[2],
    }


def test_a_later_run_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    written(tmp_path / "log")
    written(tmp_path / "log")
    assert verify(tmp_path / "log").entries == 10


@pytest.mark.parametrize(
    ("tamper", "sound", "told"),
    [
        (lambda lines: [*lines[:2], lines[2].replace("unmasked", "masked"), *lines[3:]], 2, "line 3 was changed"),
        (lambda lines: [*lines[:1], *lines[2:]], 1, "line 2 does not follow"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 3, "line 4 does not follow"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 0, "line 1 does not follow"),
        (lambda lines: [*lines[:4], lines[4][:20]], 4, "line 5 is no entry"),
        (lambda lines: [*lines, '"text"'], 5, "line 6 is no entry"),
        (lambda lines: lines[1:], 0, "line 1 does not follow"),
    ],
)
def test_whatever_is_done_to_a_line_is_found(tmp_path: Path, tamper: object, sound: int, told: str) -> None:
    path = tmp_path / "log"
    written(path)
    path.write_text("\n".join(tamper(path.read_text().splitlines())) + "\n")  # type: ignore[operator]
    found = verify(path)
    assert found.entries == sound
    assert found.broken is not None
    assert told in found.broken
    with pytest.raises(InputError, match="nothing is added to it"):
        AuditLog(path)


def test_somebody_who_seals_anew_has_to_change_every_later_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    seals = written(path)
    lines = path.read_text().splitlines()
    other = tmp_path / "other"
    AuditLog(other, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)).add("alarm", {"person": 0, "verdict": "masked"})
    path.write_text("\n".join([other.read_text().strip(), *lines[1:]]) + "\n")
    assert verify(path).broken == "line 2 does not follow the line before it: lines were taken out, put in or moved"
    assert verify(path).seal != seals[0]


def _add(path: Path) -> None:
    log = AuditLog(path)
    for i in range(20):
        log.add("count", {"i": i})


def test_two_programs_at_once_keep_it_sound(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_add, args=(tmp_path / "log",)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    found = verify(tmp_path / "log")
    assert (found.entries, found.broken) == (40, None)


def test_what_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        AuditLog(tmp_path / "file" / "log")


def test_a_cut_end_is_found_by_a_seal_that_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    seals = written(path)
    assert verify(path, seals[-1]).broken is None
    assert verify(path, seals[1]).broken is None
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert verify(path).broken is None, "nothing in the file tells"
    assert "its end was cut off" in str(verify(path, seals[-1]).broken)


def test_only_the_end_of_a_long_record_is_read_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = AuditLog(path)
    for size in (1, 5_000, 10, 4_096, 4_095, 0):
        log.add("stream", {"because": "x" * size})
    assert verify(path).entries == 6


FULL = """
import resource, sys
from pathlib import Path
from maskwise.errors import StorageError
from maskwise.stream.outputs.audit_log import AuditLog

path = Path(sys.argv[1])
log = AuditLog(path)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
try:
    log.add("alarm", {"person": 9})
except StorageError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.add("alarm", {"person": 10})
else:
    sys.exit("it was written")
"""


def test_a_disk_that_is_full_leaves_no_half_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    written(path)
    subprocess.run([sys.executable, "-c", FULL, str(path)], check=True)
    found = verify(path)
    assert (found.entries, found.broken) == (6, None)
    assert json.loads(path.read_text().splitlines()[-1])["facts"] == {"person": 10}
