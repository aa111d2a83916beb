"""Outputs together: nothing by default, each where it is named, and all of them closed whatever one of them does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from maskwise.errors import StorageError, UsageError
from maskwise.stream.following.events import Event
from maskwise.stream.outputs.audit_log import verify
from maskwise.stream.outputs.opened import About, Outputs, opened
from maskwise.stream.sources.live import Health
from maskwise.stream.watching import Moment
from tests.stream.one_moment import moment, person

FACE = (1, (16.0, 16.0, 64.0, 80.0), "unmasked")
ALARM = Event("violated", "hall", 0.2, 1, "unmasked", seconds=3.0)
LIVE = About("hall", began=datetime(2026, 3, 1, 8, 0, tzinfo=UTC), settings={"model_sha256": "ab"})


def story() -> list[Moment]:
    return [
        moment(0.0, [FACE]),
        moment(0.1, [FACE], looked=False),
        moment(0.2, [FACE], events=[ALARM]),
        moment(0.2, looked=False, left=[person(1, 0.0, 0.2, "unmasked")], ended=True),
    ]


def run(outputs: Outputs, about: About | None = None, also: Any = ()) -> None:
    with opened(outputs, about or About("hall"), lambda _: None, also) as told:
        for one in story():
            told.look(one)


def everything(folder: Path) -> Outputs:
    return Outputs(
        video=folder / "v.mp4",
        frames=folder / "f.jsonl",
        tracks=folder / "t.csv",
        events=folder / "e.jsonl",
        audit_log=folder / "log.jsonl",
    )


def test_nothing_is_kept_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(Outputs())
    assert list(tmp_path.iterdir()) == []


def test_each_output_has_what_it_is_for(tmp_path: Path) -> None:
    run(everything(tmp_path), LIVE)
    frames = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert [frame["time_s"] for frame in frames] == [0.0, 0.2], "frames that were looked at"
    assert frames[1]["at"] == "2026-03-01T08:00:00.200+00:00"
    face = frames[0]["faces"][0]
    assert (face["track"], face["track_verdict"], face["track_confidence"]) == (1, "unmasked", 0.95)
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [(event["kind"], event["person"]) for event in events] == [("violated", 1)]
    header, row = (tmp_path / "t.csv").read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["unmasked_s"] == "0.2"
    assert (tmp_path / "v.mp4").stat().st_size > 500
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["kind"] for entry in entries] == ["started", "alarm", "ended"]
    assert entries[0]["facts"]["model_sha256"] == "ab"
    assert entries[2]["facts"] | {"source": ""} == {
        "source": "",
        "frames": 3,
        "looks": 2,
        "people": {"unmasked": 1},
        "events": {"violated": 1},
        "because": "the stream ended, or was ended",
    }
    assert verify(tmp_path / "log.jsonl").broken is None


def test_a_camera_adds_to_what_is_there_and_a_file_begins_anew(tmp_path: Path) -> None:
    for _ in range(2):
        run(everything(tmp_path), LIVE)
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["v-2.mp4", "v.mp4"]
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 2
    run(everything(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["v-2.mp4", "v.mp4"]
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 1
    assert verify(tmp_path / "log.jsonl").entries == 9, "the audit log is never begun anew"


class Fails:
    """A sink that cannot write."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to close."""

    def look(self, moment: Moment) -> None:
        if moment.events:
            raise StorageError("cannot write there: no space left")


def test_when_one_output_fails_the_others_are_closed_and_stay(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        run(everything(tmp_path), LIVE, [Fails()])
    assert len((tmp_path / "f.jsonl").read_text().splitlines()) == 2
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["facts"]["because"] == "StorageError"
    assert verify(tmp_path / "log.jsonl").broken is None


def test_what_becomes_of_the_stream_is_in_the_audit_log(tmp_path: Path) -> None:
    with opened(Outputs(audit_log=tmp_path / "log"), LIVE, lambda _: None) as told:
        told.hear(Health("hall", "lost", 12.34, "it ended; opened again in 1 s"))
    entry = json.loads((tmp_path / "log").read_text().splitlines()[1])
    assert entry["facts"] == {
        "source": "hall",
        "state": "lost",
        "time_s": 12.3,
        "because": "it ended; opened again in 1 s",
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"video": Path("a.avi")}, "is an MP4"),
        ({"frames": Path("a.csv"), "events": Path("a.csv")}, "named for two outputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Outputs(**given)


def test_what_is_watched_is_never_replaced(tmp_path: Path) -> None:
    film = tmp_path / "hall.mp4"
    film.write_bytes(b"a film")
    with pytest.raises(UsageError, match="would replace what is watched"):
        run(Outputs(video=tmp_path / "." / "hall.mp4"), About(str(film)))
    assert film.read_bytes() == b"a film"
