"""Streams watched by a real service: files, cameras that go away and come back, and what is remembered of them."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pytest
from sqlalchemy import select

from maskwise.errors import InputError, StorageError
from maskwise.serving.cameras import camera as camera_
from maskwise.serving.cameras import recorder as recorder_
from maskwise.serving.cameras.cameras import Cameras
from maskwise.serving.cameras.doors import Doors
from maskwise.serving.cameras.how import How
from maskwise.serving.cameras.look import VERDICTS
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.problems import NotThere, Problem
from maskwise.serving.service import Service, opened
from maskwise.serving.settings import Limits, Settings
from maskwise.serving.store.tables import EventRow, StreamRow, VisitRow, WatchedRow
from maskwise.stream.following.zones import Zone
from maskwise.stream.sources.live import Patience
from maskwise.stream.watching import watch
from tests.serving.cameras.footage import clip, jpegs, pictures, repeated
from tests.stream.footage import listening, mjpeg_camera, patiently

HERE = ("127.0.0.1",)
ALL = Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1)))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    clip(folder / "slips.mp4", "slips_under_nose", 3.0, seed=2)
    (folder / "broken.mp4").write_bytes(b"nothing of a film")
    return folder


@pytest.fixture(scope="module")
def faces() -> list[bytes]:
    return jpegs("slips_under_nose", 3.0, seed=2)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(camera_, "LONGEST_WAIT_S", 0.5)


def state(cameras: Cameras, number: int) -> str:
    return str(cameras.board.stream(number)["state"])


def rows(service: Service, table: Any) -> list[Any]:
    with service.database.begin() as session:
        return list(session.scalars(select(table)))


def kinds(service: Service) -> list[str]:
    return [row.kind for row in rows(service, EventRow)]


def threads() -> set[str]:
    ours = ("stream ", "keep ", "read ", "background", "record events", "encode", "close stream")
    return {f"{one.name} {one.ident}" for one in threading.enumerate() if one.name.startswith(ours)}


@contextmanager
def no_thread_left() -> Iterator[None]:
    before = threads()
    yield
    assert patiently(lambda: threads() <= before), threads() - before


def test_a_file_is_watched_to_its_end_and_remembered(tmp_path: Path, media: Path) -> None:
    with no_thread_left():
        with opened(Settings(tmp_path, media=(media,))) as service:
            cameras = service.cameras
            number = cameras.add("door", "slips.mp4", How(after_s=0.5, zones=(ALL,)))
            assert patiently(lambda: state(cameras, number) == "ended")
            told = cameras.board.stream(number)
            assert (told["source"], told["kind"], told["paused"]) == ("slips.mp4", "file", True)
        with opened(Settings(tmp_path, media=(media,))) as service:
            assert state(service.cameras, number) == "paused"  # it is not watched once more
            happened = kinds(service)
            assert happened[0] == "appeared"
            assert happened[-1] == "left"
            (visit,) = rows(service, VisitRow)
            events = rows(service, EventRow)
            assert visit.began_s == pytest.approx(events[0].at_s)
            assert visit.ended_s == pytest.approx(events[-1].at_s)
            assert visit.masked_s + visit.incorrect_s + visit.unmasked_s + visit.uncertain_s == pytest.approx(
                visit.ended_s - visit.began_s
            )
            assert sum(row.seconds for row in rows(service, WatchedRow)) == pytest.approx(2.9, abs=0.01)
            service.cameras.change(number, paused=False)
            assert patiently(lambda: state(service.cameras, number) == "connected")


def test_a_camera_goes_away_and_comes_back_and_two_are_watched_at_once(
    tmp_path: Path, faces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = threading.Event()

    def sends(_: int) -> Iterator[bytes | float]:
        for item in repeated(faces):
            if away.is_set():
                return
            yield item

    seen: list[str] = []
    with mjpeg_camera(sends, "geheim77") as one, mjpeg_camera(lambda _: repeated(faces)) as two:
        settings = Settings(tmp_path, sources=HERE)
        with no_thread_left(), opened(settings) as service:
            cameras = service.cameras
            tell = cameras.board.say

            def noted(stream: int, *said: Any, **more: Any) -> None:
                seen.append(f"{stream} {said}")
                tell(stream, *said, **more)

            monkeypatch.setattr(cameras.board, "say", noted)
            first, second = cameras.add("one", one, How()), cameras.add("two", two, How())
            assert patiently(lambda: bool(cameras.board.look(first) and cameras.board.look(second)))
            assert cameras.board.stream(first)["size"] == [320, 240]
            away.set()
            assert patiently(lambda: state(cameras, first) == "lost")
            assert cameras.board.look(first) is None
            assert state(cameras, second) == "connected"
            away.clear()
            assert patiently(lambda: state(cameras, first) == "connected" and cameras.board.look(first) is not None)
            assert "geheim77" not in "".join(seen) + json.dumps(cameras.board.streams())
            assert patiently(lambda: "appeared" in kinds(service))
        with opened(Settings(tmp_path)) as service:  # whoever was in sight at the end has left, and was a visit
            assert kinds(service).count("appeared") == kinds(service).count("left") == len(rows(service, VisitRow))


def test_what_cannot_be_opened_has_failed_and_says_why(tmp_path: Path, media: Path) -> None:
    with opened(Settings(tmp_path, media=(media,), sources=HERE)) as service:
        cameras = service.cameras
        with listening(lambda *_: None) as port:
            away = cameras.add("away", f"rtsp://admin:geheim77@127.0.0.1:{port}/x?token=geheim78", How())
        broken = cameras.add("broken", "broken.mp4", How())
        for number in (away, broken):
            assert patiently(lambda: state(cameras, number) == "failed")  # noqa: B023
        told = json.dumps(cameras.board.streams())
        assert not any(secret in told for secret in ("geheim77", "geheim78", str(media)))
        assert cameras.board.stream(broken)["because"].startswith("broken.mp4: ")


def test_a_camera_that_was_away_at_the_start_is_opened_when_it_is_there(tmp_path: Path, faces: list[bytes]) -> None:
    there = threading.Event()

    def sends(_: int) -> Iterator[bytes | float]:
        return repeated(faces) if there.is_set() else iter(())

    with mjpeg_camera(sends) as address, opened(Settings(tmp_path, sources=HERE)) as service:
        number = service.cameras.add("late", address, How())
        assert patiently(lambda: state(service.cameras, number) == "failed")
        there.set()
        assert patiently(lambda: service.cameras.board.look(number) is not None)


def test_a_stream_that_crashes_is_logged_and_watched_again_and_harms_no_other(
    tmp_path: Path, faces: list[bytes], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crashes = iter([True, True])

    def crashing(frames: Any, pipeline: Any, source: str, *rest: Any, **more: Any) -> Iterator[Any]:
        for i, moment in enumerate(watch(frames, pipeline, source, *rest, **more)):
            if i == 3 and source in bad and next(crashes, False):
                raise ZeroDivisionError("secret detail")
            yield moment

    bad: set[str] = set()
    monkeypatch.setattr(camera_, "watch", crashing)
    with mjpeg_camera(lambda _: repeated(faces)) as one, mjpeg_camera(lambda _: repeated(faces)) as two:
        bad.add(one)
        with caplog.at_level(logging.ERROR), opened(Settings(tmp_path, sources=HERE)) as service:
            cameras = service.cameras
            first, second = cameras.add("one", one, How()), cameras.add("two", two, How())
            assert patiently(lambda: state(cameras, first) == "failed")
            assert "ZeroDivisionError" in cameras.board.stream(first)["because"]
            assert "secret detail" not in cameras.board.stream(first)["because"]
            assert patiently(lambda: cameras.board.look(first) is not None and state(cameras, first) == "connected")
            assert state(cameras, second) == "connected"
    assert any("unexpected end" in record.message for record in caplog.records)


def test_pause_resume_rename_reconfigure_and_remove_leave_no_thread(tmp_path: Path, faces: list[bytes]) -> None:
    calls: list[int] = []

    def sends(call: int) -> Iterator[bytes | float]:
        calls.append(call)
        return repeated(faces)

    with mjpeg_camera(sends) as address, opened(Settings(tmp_path, sources=HERE)) as service, no_thread_left():
        cameras = service.cameras
        number = cameras.add("one", address, How())
        shows: Callable[[], bool] = lambda: cameras.board.look(number) is not None  # noqa: E731
        assert patiently(shows)
        cameras.change(number, paused=True)
        assert (state(cameras, number), cameras.board.look(number)) == ("paused", None)
        assert patiently(lambda: not any(one.startswith(("stream", "keep")) for one in threads()))
        assert (state(cameras, number), cameras.board.look(number)) == ("paused", None)
        cameras.change(number, paused=False)
        assert patiently(shows)
        before = len(calls)
        cameras.change(number, name="first")
        cameras.change(number, name="first", paused=False)
        assert (state(cameras, number), len(calls)) == ("connected", before)  # nothing to begin anew for
        cameras.change(number, how=How(looks_per_s=5))
        assert patiently(lambda: len(calls) > before and shows())
        with service.database.begin() as session:
            row = session.get(StreamRow, number)
            assert row is not None
            assert (row.name, row.how["looks_per_s"], row.paused) == ("first", 5, False)
        cameras.remove(number)
        assert cameras.board.streams() == []
        assert rows(service, StreamRow) == []
        for do in (lambda: cameras.remove(number), lambda: cameras.change(number, paused=True)):
            with pytest.raises(NotThere):
                do()
        assert patiently(lambda: not any(one.startswith(("stream", "keep")) for one in threads()))


def test_many_changes_in_a_row_end_in_one_thread(tmp_path: Path, faces: list[bytes]) -> None:
    with mjpeg_camera(lambda _: repeated(faces)) as address, opened(Settings(tmp_path, sources=HERE)) as service:
        cameras = service.cameras
        number = cameras.add("one", address, How())
        for i in range(10):
            cameras.change(number, how=How(after_s=float(i)))
            cameras.change(number, paused=bool(i % 2))
        cameras.change(number, paused=False)
        assert patiently(lambda: cameras.board.look(number) is not None)
        assert patiently(lambda: sum(one.startswith(f"stream {number}") for one in threads()) == 1)


def test_the_service_ends_soon_where_a_camera_says_nothing(tmp_path: Path) -> None:
    """A camera that takes the connection and never answers: opening it takes ten seconds, ending does not."""
    hold = threading.Event()

    def serve_nothing(*_: object) -> None:
        hold.wait(20)

    with listening(serve_nothing) as port:
        ended = threading.Event()

        def serve() -> None:
            with opened(Settings(tmp_path, sources=HERE)) as service:
                service.cameras.add("mute", f"rtsp://127.0.0.1:{port}/x", How())
            ended.set()

        threading.Thread(target=serve, daemon=True).start()
        assert ended.wait(9)
        hold.set()


def test_events_wait_while_the_database_is_away_and_are_announced_when_written(
    tmp_path: Path, faces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_, "LONGEST_WAIT_S", 0.3)
    with mjpeg_camera(lambda _: repeated(faces)) as address, opened(Settings(tmp_path, sources=HERE)) as service:
        cameras, told = service.cameras, list[Any]()
        write = cameras.recorder._record
        monkeypatch.setattr(cameras.board, "announce", told.append)
        away = threading.Event()
        away.set()

        def record(batch: Any) -> list[dict[str, Any]]:
            if away.is_set():
                raise StorageError("the disk is full")
            return write(batch)

        cameras.recorder._record = record
        number = cameras.add("one", address, How(after_s=0.2))
        assert patiently(lambda: cameras.recorder.away and state(cameras, number) == "connected")
        assert (told, kinds(service)) == ([], [])
        away.clear()
        assert patiently(lambda: len(told) > 0)
        assert [row.id for row in rows(service, EventRow)][: len(told)] == [event["id"] for event in list(told)]


def test_streams_are_there_again_after_a_restart(tmp_path: Path, faces: list[bytes]) -> None:
    with mjpeg_camera(lambda _: repeated(faces)) as address:
        settings = Settings(tmp_path, sources=HERE)
        with opened(settings) as service:
            one = service.cameras.add("one", address, How(zones=(ALL,)))
            two = service.cameras.add("two", address, How())
            service.cameras.change(two, paused=True)
            before = [service.cameras.board.config(number) for number in (one, two)]
        with service.database.begin() as session:
            session.add(StreamRow(name="odd", source=address, how={"colour": "red"}, paused=False, created_s=0.0))
        with opened(settings) as service:
            assert [service.cameras.board.config(number) for number in (one, two)] == before
            assert patiently(lambda: state(service.cameras, one) == "connected")
            assert state(service.cameras, two) == "paused"
            assert state(service.cameras, two + 1) == "failed"


def test_what_is_not_allowed_is_refused(tmp_path: Path, media: Path) -> None:
    settings = Settings(tmp_path, media=(media,), sources=("10.0.0.0/8",), limits=Limits(streams=2))
    with opened(settings) as service:
        cameras = service.cameras
        for source in ("rtsp://127.0.0.1/x", "http://192.168.1.1/x", "/etc/passwd", "-", "../x.mp4"):
            with pytest.raises(Problem) as caught:
                cameras.add("x", source, How())
            assert caught.value.status == 422
        with pytest.raises(Problem):
            cameras.add("x", "slips.mp4", How(operating_point="none such"))
        one = cameras.add("a", "slips.mp4", How())
        with pytest.raises(Problem, match="'a' already"):
            cameras.add("a", "slips.mp4", How())
        two = cameras.add("b", "slips.mp4", How())
        with pytest.raises(Problem, match="'a' already"):
            cameras.change(two, name="a")
        with pytest.raises(Problem, match="the most"):
            cameras.add("c", "slips.mp4", How())
        with pytest.raises(Problem):
            cameras.change(one, source="rtsp://127.0.0.1/x")
        assert cameras.board.config(one).source == "slips.mp4"


def test_the_services_operating_point_holds_for_those_without_their_own(
    tmp_path: Path, faces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, str | None]] = []
    with mjpeg_camera(lambda _: repeated(faces)) as address, opened(Settings(tmp_path, sources=HERE)) as service:
        cameras = service.cameras
        get = cameras._pipelines.get

        def noted(min_face_px: int, point: str | None) -> Any:
            asked.append((min_face_px, point))
            return get(min_face_px, point)

        monkeypatch.setattr(cameras._pipelines, "get", noted)
        cameras.add("one", address, How())
        cameras.add("two", address, How(operating_point="gate"))
        assert patiently(lambda: len(asked) == 2)
        cameras.use("statistics")
        cameras.use("statistics")
        assert patiently(lambda: (40, "statistics") in asked)
        assert sorted(str(point) for _, point in asked) == ["None", "gate", "statistics"]


def visits_of(service: Service) -> list[VisitRow]:
    return list(rows(service, VisitRow))


@contextmanager
def watching(service: Service, **parts: Any) -> Iterator[Cameras]:
    """Cameras of their own, with these parts, beside those of the service."""
    metrics = Metrics()
    with Cameras(service.settings, service.database, service.checks.card, metrics, **parts) as cameras:
        yield cameras


def _is(wanted: int, now: Callable[[], int]) -> bool:
    return now() == wanted


def _is_another(first: object, now: Callable[[], object]) -> bool:
    return now() not in (None, first)


def test_when_the_clock_is_set_a_stream_is_begun_anew_at_true_times(
    tmp_path: Path, faces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_s, now = 0.0, time.time
    monkeypatch.setattr(time, "time", lambda: now() + ahead_s)
    with mjpeg_camera(lambda _: repeated(faces)) as address, opened(Settings(tmp_path, sources=HERE)) as service:
        cameras, began_s = service.cameras, now()
        number = cameras.add("one", address, How())
        runs: Callable[[], list[float]] = lambda: sorted({row.run for row in rows(service, EventRow)})  # noqa: E731
        for count, ahead_s in enumerate((0.0, 7200.0, -7200.0), start=1):  # noqa: B007 - the clock reads it
            assert patiently(partial(_is, count, lambda: len(runs())))
            assert patiently(lambda: cameras.board.look(number) is not None)
            first = cameras.board.look(number)
            assert patiently(partial(_is_another, first, partial(cameras.board.look, number)))  # watched for a while
        look = cameras.board.look(number)
        assert look is not None
        assert abs(look.at_s - time.time()) < 60
        ended_s = now()
    with opened(Settings(tmp_path)) as service:
        for run, ahead in zip(runs(), (-7200, 0, 7200), strict=True):
            assert began_s - 1 < run - ahead < ended_s + 1
        events = rows(service, EventRow)
        assert [e.kind for e in events].count("appeared") == [e.kind for e in events].count("left")
        assert len(visits_of(service)) == [e.kind for e in events].count("left")
        lasted = [(visit.ended_s - visit.began_s) for visit in visits_of(service)]
        assert all(0 <= seconds <= ended_s - began_s for seconds in lasted)
        watched: dict[int, float] = {row.hour_s: row.seconds for row in rows(service, WatchedRow)}
        assert 0 < sum(watched.values()) <= ended_s - began_s
        assert max(watched) - min(watched) >= 4 * 3600 - 3600


def test_a_film_goes_on_when_the_clock_is_set(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun anew, what was in it would be counted twice."""
    ahead_s, now = 0.0, time.time
    monkeypatch.setattr(time, "time", lambda: now() + ahead_s)
    with opened(Settings(tmp_path, media=(media,))) as service:
        number = service.cameras.add("film", "slips.mp4", How())
        assert patiently(lambda: "appeared" in kinds(service))
        ahead_s = 7200.0
        assert patiently(lambda: state(service.cameras, number) == "ended")
        assert len({row.run for row in rows(service, EventRow)}) == 1
        assert kinds(service).count("appeared") == 1


def test_a_film_that_breaks_off_is_not_watched_again_by_itself(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*args: Any, **more: Any) -> Iterator[Any]:
        for i, moment in enumerate(watch(*args, **more)):
            if i == 10:
                raise InputError("slips.mp4: broken from here on")
            yield moment

    monkeypatch.setattr(camera_, "watch", breaking)
    with opened(Settings(tmp_path, media=(media,))) as service:
        number = service.cameras.add("film", "slips.mp4", How())
        assert patiently(lambda: state(service.cameras, number) == "failed")
        service.cameras.use("statistics")
        assert state(service.cameras, number) == "failed"
    with opened(Settings(tmp_path, media=(media,))) as service:
        assert state(service.cameras, number) == "paused"


class Device:
    """A camera at this machine that gives the same film again and again, and can be pulled out."""

    def __init__(self, film: list[Any], pulled: threading.Event) -> None:
        self._frames, self._pulled, self.released = itertools.cycle(film), pulled, False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return not self._pulled.is_set()

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.05)
        return not self._pulled.is_set(), None if self._pulled.is_set() else next(self._frames)[..., ::-1]

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 320.0, cv2.CAP_PROP_FRAME_HEIGHT: 240.0}.get(prop, 0.0)

    def release(self) -> None:
        self.released = True


def test_a_camera_at_this_machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    film, pulled, devices = pictures("slips_under_nose", 3.0, seed=2), threading.Event(), list[Device]()

    def open_device(number: int) -> Device:
        assert number == 3
        devices.append(Device(film, pulled))
        return devices[-1]

    with opened(Settings(tmp_path)) as service, no_thread_left():
        doors = Doors(open_device=open_device)
        with watching(service, doors=doors, patience=Patience(first_wait_s=0.1, longest_wait_s=0.2)) as cameras:
            number = cameras.add("desk", "camera:3", How())
            assert patiently(lambda: cameras.board.look(number) is not None and "appeared" in kinds(service))
            told = cameras.board.stream(number)
            assert (told["source"], told["kind"], told["size"]) == ("camera:3", "camera", [320, 240])
            with caplog.at_level(logging.INFO, "maskwise"):
                pulled.set()
                assert patiently(lambda: state(cameras, number) == "lost")
                assert "no more pictures" in cameras.board.stream(number)["because"]
                opened_ = len(devices)
                assert patiently(lambda: len(devices) > opened_ + 3)
                pulled.clear()
                assert patiently(lambda: state(cameras, number) == "connected" and bool(cameras.board.look(number)))
            said = [record.message for record in caplog.records if record.message.startswith("stream ")]
            assert [words.partition(":")[0] for words in said] == [
                f"stream {number} desk is lost",
                f"stream {number} desk is connected",
            ]
        assert patiently(lambda: all(device.released for device in devices))
        assert kinds(service).count("appeared") == kinds(service).count("left")


def test_nobody_is_in_a_picture_that_stands_still(tmp_path: Path, faces: list[bytes]) -> None:
    """Who was there when a camera froze has left, and is not counted for as long as it stands still."""
    frozen = threading.Event()

    def sends(_: int) -> Iterator[bytes | float]:
        for item in repeated(faces):
            yield faces[0] if frozen.is_set() and isinstance(item, bytes) else item

    with (
        mjpeg_camera(sends) as address,
        opened(Settings(tmp_path, sources=HERE)) as service,
        watching(service, patience=Patience(frozen_s=1.0)) as cameras,
    ):
        number = cameras.add("one", address, How())
        assert patiently(lambda: "appeared" in kinds(service))
        frozen.set()
        assert patiently(lambda: state(cameras, number) == "frozen")
        assert patiently(lambda: kinds(service).count("left") == kinds(service).count("appeared"))
        still = cameras.board.look(number)
        assert still is not None  # the picture is shown, and nobody in it
        assert cameras.board.stream(number)["now"]["people"] == dict.fromkeys(VERDICTS, 0)
        before = rows(service, VisitRow)[-1].ended_s
        later = still.at_s + 3
        assert patiently(lambda: (look := cameras.board.look(number)) is not None and look.at_s > later)
        assert rows(service, VisitRow)[-1].ended_s == before
        frozen.clear()
        assert patiently(lambda: state(cameras, number) == "connected")
        assert patiently(lambda: kinds(service).count("appeared") > kinds(service).count("left"))
