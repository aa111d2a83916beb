"""`maskwise watch` and `check` of videos as a user runs them: real films, real signals, real files."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import av
import polars as pl
import pytest

from maskwise.data.clips import Actor, film
from maskwise.stream.outputs.audit_log import verify
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.sources.video import Video
from tests.cli.command_line import run

COMMAND = [sys.executable, "-m", "maskwise"]
SIZE, RATE, SECONDS = (320, 240), 15.0, 6.0

ACTORS = (
    Actor(3, start_xy=(0.25, 0.5), end_xy=(0.3, 0.5), height=0.5),
    Actor(8, looks=((0.0, "covering"),), start_xy=(0.7, 0.5), end_xy=(0.75, 0.5), height=0.5),
)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of six seconds: one person without a mask, one with."""
    path = tmp_path_factory.mktemp("films") / "hall.mp4"
    with Mp4(path, RATE) as file:
        for frame, _ in film(ACTORS, SECONDS, RATE, SIZE):
            file.write(frame.image, frame.time_s or 0.0)
    return path


def maskwise(
    *arguments: str | Path,
    cwd: Path | None = None,
    limit: Callable[[], None] | None = None,
    places: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(places or {})},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def frames_in(path: Path) -> int:
    """As many as can be decoded: the last one may be cut off in the middle."""
    with Video(str(path)) as video:
        return sum(1 for _ in video)


def test_everything_that_can_be_written_of_a_film(hall: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("v.mp4", "f.parquet", "t.csv", "e.jsonl", "log.jsonl", "page.html")}
    ran = maskwise(
        *("watch", hall, "--video", files["v.mp4"], "--frames", files["f.parquet"], "--tracks", files["t.csv"]),
        *("--events", files["e.jsonl"], "--audit-log", files["log.jsonl"], "--report", files["page.html"]),
        *("--after", "2", "--json"),
    )
    assert ran.returncode == 0, ran.stderr
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert events == [
        {key: value for key, value in json.loads(line).items() if key != "at"}
        for line in files["e.jsonl"].read_text().splitlines()
    ]
    assert [event["verdict"] for event in events if event["kind"] == "violated"] == ["unmasked"]
    with files["t.csv"].open(newline="") as file:
        people = list(csv.DictReader(file))
    assert sorted(person["verdict"] for person in people) == ["masked", "unmasked"]
    assert all(float(person["seconds"]) > SECONDS - 1 for person in people)
    faces = pl.read_parquet(files["f.parquet"])
    assert set(faces["track"].drop_nulls()) == {1, 2}
    assert faces["time_s"].max() == pytest.approx(SECONDS, abs=0.2)
    assert frames_in(files["v.mp4"]) == SECONDS * RATE
    assert verify(files["log.jsonl"]).broken is None
    assert "<html" in files["page.html"].read_text()


def test_without_outputs_nothing_is_left_on_disk(hall: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before = {path: path.stat().st_mtime_ns for path in hall.parent.iterdir()}
    places = {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
    ran = maskwise("watch", hall, cwd=home, places=places)
    assert ran.returncode == 0, ran.stderr
    assert "2 people: " in ran.stdout
    assert list(home.rglob("*")) == [], "neither beside the user, nor at home, nor among temporary files"
    assert {path: path.stat().st_mtime_ns for path in hall.parent.iterdir()} == before


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def long_hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same people for ten minutes: longer than any test waits."""
    path = tmp_path_factory.mktemp("films") / "long.mp4"
    frames = [frame.image for frame, _ in film(ACTORS, 2.0, RATE, SIZE)]
    with Mp4(path, RATE, speed="ultrafast") as file:
        for i in range(round(600 * RATE)):
            file.write(frames[i % len(frames)], i / RATE)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_asked_to_end_closes_everything(long_hall: Path, tmp_path: Path, number: signal.Signals) -> None:
    video, tracks, log = tmp_path / "v.mp4", tmp_path / "t.jsonl", tmp_path / "log"
    command = [*COMMAND, "watch", str(long_hall), "--video", str(video), "--tracks", str(tracks)]
    running = subprocess.Popen([*command, "--audit-log", str(log)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: video.exists() and video.stat().st_size > 50_000)
    running.send_signal(number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said.decode()
    assert len(tracks.read_text().splitlines()) == 2, "whoever was there has left with the stream"
    assert json.loads(log.read_text().splitlines()[-1])["kind"] == "ended"
    assert frames_in(video) > RATE


def test_killed_it_leaves_a_video_that_plays_and_whole_lines(long_hall: Path, tmp_path: Path) -> None:
    video, frames = tmp_path / "v.mp4", tmp_path / "f.jsonl"
    command = [*COMMAND, "watch", str(long_hall), "--video", str(video), "--frames", str(frames)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: frames.exists() and len(frames.read_bytes().splitlines()) > 60)
    running.kill()
    running.wait()
    lines = frames.read_text().splitlines()
    last_s = json.loads(lines[-1])["time_s"]
    assert all(json.loads(line)["faces"] is not None for line in lines)
    assert frames_in(video) / RATE > last_s - 3, "all but the last seconds"


def test_a_full_disk_ends_it_with_one_line(long_hall: Path, tmp_path: Path) -> None:
    video, tracks = tmp_path / "v.mp4", tmp_path / "t.jsonl"

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    ran = maskwise("watch", long_hall, "--video", video, "--tracks", tracks, limit=little_room)
    assert ran.returncode == 2
    assert "cannot write" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert frames_in(video) > RATE, "what was written stays"


def test_alarms_reach_a_webhook_without_a_picture(hall: Path) -> None:
    got: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"json://127.0.0.1:{server.server_address[1]}/hook"
    ran = maskwise("watch", hall, "--after", "2", "--alert", address)
    server.shutdown()
    server.server_close()
    assert ran.returncode == 0, ran.stderr
    assert [message["message"].partition(",")[0] for message in got] == ["person 1 violated: unmasked for 2 s"]
    assert got[0].get("attachments") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.mp4"], "nothing.mp4"),
        (["rtsp://user:secret@127.0.0.1:9/hall"], "rtsp://127.0.0.1:9/hall"),
        (["HALL", "--zone", "door"], "expected NAME:X,Y X,Y"),
        (["HALL", "--quiet", "late"], "--quiet 'late'"),
        (["HALL", "--frames", "rows.xlsx"], ".jsonl, .csv, .parquet"),
        (["HALL", "--violation", "bare"], "'bare' is not one of masked, incorrect, unmasked"),
        (["HALL", "--blur", "some"], "all, unmasked, none"),
        (["HALL", "--alert", "carrier-pigeon://user:secret@coop"], "not an address that Apprise knows"),
        (["HALL", "--mqtt", "mqtt://user:secret@127.0.0.1:9/x"], "no MQTT broker answers"),
        (["HALL", "--min-face", "17"], "17"),
        (["HALL", "--font", "nothing.ttf", "--video", "v.mp4"], "nothing.ttf"),
    ],
)
def test_a_mistake_is_one_line_without_secrets(
    hall: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capsys, "watch", *[str(hall) if a == "HALL" else a for a in arguments])
    assert code == 2
    assert told in err
    assert "secret" not in err + out
    assert "Traceback" not in err
    assert err.count("error:") == 1


def test_lines_for_a_person_where_there_is_no_terminal(hall: Path) -> None:
    ran = maskwise("watch", hall, "--seconds", "2")
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("0:00:00  person 1 appeared")
    assert lines[-1].startswith(f"{round(2 * RATE)} frames, 2 people: ")
    assert "\x1b" not in ran.stdout


def test_check_takes_films_among_pictures(hall: Path, tmp_path: Path) -> None:
    with av.open(str(hall)) as container:
        next(iter(container.decode(video=0))).to_image().save(tmp_path / "still.png")
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    ran = maskwise(
        *("check", hall, tmp_path / "still.png", tmp_path / "broken.mp4", "--csv", tmp_path / "rows.csv"),
        *("--annotate", tmp_path / "drawn"),
    )
    assert ran.returncode == 0, ran.stderr
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {Path(row["source"]).name for row in rows} == {"hall.mp4", "still.png", "broken.mp4"}
    assert {row["track"] for row in rows if row["source"].endswith("hall.mp4")} == {"1", "2"}
    assert {row["track"] for row in rows if row["source"].endswith("still.png")} == {""}
    assert [row["error"] != "" for row in rows if row["source"].endswith("broken.mp4")] == [True]
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["hall.mp4", "still.png"]
    assert frames_in(tmp_path / "drawn" / "hall.mp4") == SECONDS * RATE
    assert ran.stdout.splitlines()[-2].startswith("1 picture, 2 faces: ")
    assert ran.stdout.splitlines()[-1] == "2 videos, 2 people: 1 masked, 1 unmasked, 1 video could not be read"


def test_check_fails_on_somebody_in_a_film(hall: Path) -> None:
    assert maskwise("check", hall, "--fail-on", "unmasked").returncode == 1
    assert maskwise("check", hall, "--fail-on", "incorrect").returncode == 0


def test_check_writes_a_page_about_one_film_only(hall: Path, tmp_path: Path) -> None:
    ran = maskwise("check", hall, hall, "--report", tmp_path / "page.html")
    assert ran.returncode == 0, "the same film twice is one film"
    assert "<html" in (tmp_path / "page.html").read_text()
    ran = maskwise("check", hall, tmp_path / "other.mp4", "--report", tmp_path / "page2.html")
    assert ran.returncode == 2
    assert "2 are named" in ran.stderr


def test_the_audit_log_is_verified_from_the_command_line(hall: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    maskwise("watch", hall, "--seconds", "1", "--audit-log", log)
    ran = maskwise("audit-log", "verify", log)
    assert (ran.returncode, "2 entries, all sound" in ran.stdout) == (0, True)
    seal = ran.stdout.split()[-1]
    log.write_text(log.read_text().replace('"frames":15', '"frames":14'))
    ran = maskwise("audit-log", "verify", log)
    assert (ran.returncode, "line 2 was changed" in ran.stderr) == (1, True)
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    assert maskwise("audit-log", "verify", log).returncode == 0
    assert maskwise("audit-log", "verify", log, "--seal", seal).returncode == 1


WITHOUT = """
import sys
for name in ("apprise", "av", "jinja2", "paho", "polars", "psutil", "similari", "torch"):
    sys.modules[name] = None
from maskwise.cli import main
sys.argv = ["maskwise", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("arguments", [["watch", "HALL"], ["check", "HALL"], ["bench", "HALL"]])
def test_without_the_extra_it_says_which_one_is_missing(hall: Path, arguments: list[str]) -> None:
    """None in sys.modules makes Python say that a package is not installed."""
    command = [sys.executable, "-c", WITHOUT, *(str(hall) if a == "HALL" else a for a in arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert 'pip install "maskwise[video]"' in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
