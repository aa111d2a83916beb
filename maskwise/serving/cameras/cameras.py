"""Every stream that is watched: what was chosen for it is in the database, what is seen of it is on the board."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import cv2
from sqlalchemy.exc import IntegrityError

from maskwise.errors import ConfigError, InputError
from maskwise.inference.pipeline import Pipeline
from maskwise.model.artifact import ModelCard
from maskwise.serving.cameras.board import Board
from maskwise.serving.cameras.camera import Camera, Tools
from maskwise.serving.cameras.doors import Doors
from maskwise.serving.cameras.how import How
from maskwise.serving.cameras.pictures import Pictures
from maskwise.serving.cameras.pipelines import Pipelines
from maskwise.serving.cameras.recorder import Recorder
from maskwise.serving.cameras.state import STATES, Config, State
from maskwise.serving.operating.metrics import Metrics
from maskwise.serving.problems import NotThere, Problem
from maskwise.serving.settings import Settings
from maskwise.serving.store import streams
from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import record
from maskwise.serving.store.streams import StoredStream
from maskwise.serving.store.tables import SettingRow
from maskwise.stream.sources.live import Patience

LOG = logging.getLogger(__name__)

STOPPING_S, WRITING_S = 5.0, 3.0
"""How long closing waits for streams, and then for what is still to be written."""


class Cameras:
    """Watches streams in the background; a context, usable from any thread.

    board: the newest of each stream. pictures: encodes what is seen there.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        card: ModelCard,
        metrics: Metrics,
        doors: Doors | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Nothing is opened before it is entered.

        Args:
            settings: what the operator chose.
            database: remembers the streams, and what happened there.
            card: of the model.
            metrics: are told of looks and events.
            doors: opens streams; by the settings' rules if None.
            patience: how long live streams are waited for.

        Raises:
            ConfigError: sources that are none.
        """
        self._limit, self._database, self._card, self._metrics = settings.limits.streams, database, card, metrics
        self._changing = threading.Lock()
        self._cameras: dict[int, Camera] = {}
        self._leaving: list[Camera] = []
        self._point: str | None = None
        self._pipelines = Pipelines(settings.model)
        self._doors = doors or Doors(settings.media, settings.sources)
        self.board, self.pictures = Board(), Pictures()
        self.recorder = Recorder(partial(record, database), self._announce)
        self._tools = Tools(self._doors, self.board, self.recorder, self._pipeline, self._looked, self._ended, patience)
        for state in STATES:
            metrics.streams.labels(state).set_function(partial(self._count, state))

    def __enter__(self) -> Self:
        cv2.setNumThreads(1)  # streams run side by side already
        self.recorder.start()
        with self._database.begin() as session:
            stored = streams.every(session)
            point = session.get(SettingRow, "operating_point")
            self._point = self._known(point.value if point else None)
        with self._changing:
            for one in stored:
                self._load(one)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End every stream; who is in sight leaves, and that is recorded."""
        with self._changing:
            cameras = [*self._cameras.values(), *self._leaving]
            self._cameras, self._leaving = {}, []
        for camera in cameras:
            camera.stop()
        until_s = time.monotonic() + STOPPING_S
        for camera in cameras:
            if not camera.join(max(0.0, until_s - time.monotonic())):
                LOG.warning("stream %d did not end in %g s and is left", camera.config.id, STOPPING_S)
        self.recorder.close(WRITING_S)
        self.hang_up()
        self.pictures.close()

    def hang_up(self) -> None:
        """Whoever looks at streams is told that it is over: a server waits for them before it ends."""
        self.board.close()

    def add(self, name: str, source: str, how: How) -> int:
        """Watch one more stream; its number.

        Raises:
            Problem: it may not be opened, the name is taken, or there are too many.
        """
        config = self._checked(Config(0, name, source, "", "file", how))
        with self._changing:
            there = self.board.configs()
            if len(there) >= self._limit:
                raise Problem(409, f"{len(there)} streams are there already, the most this service watches; remove one")
            _check_name(name, there)
            with taken(name), self._database.begin() as session:
                config = replace(config, id=streams.add(session, name, source, how.to_json()).id)
            self._restart(config)
        return config.id

    def change(
        self,
        stream: int,
        name: str | None = None,
        source: str | None = None,
        how: How | None = None,
        paused: bool | None = None,
    ) -> None:
        """Set a stream up differently; what is None stays.

        Raises:
            Problem: it is not there, it may not be opened so, or the name is taken.
        """
        with self._changing:
            was = self.board.config(stream)
            config = replace(
                was,
                name=was.name if name is None else name,
                source=was.source if source is None else source,
                how=was.how if how is None else how,
                paused=was.paused if paused is None else paused,
            )
            if (config.source, config.how) != (was.source, was.how):
                config = self._checked(config)
            if config.name != was.name:
                _check_name(config.name, self.board.configs())
            with taken(config.name), self._database.begin() as session:
                if not streams.change(session, _stored(config)):
                    raise NotThere(f"stream {stream}")
            self._apply(config, was, resume=paused is False)

    def remove(self, stream: int) -> None:
        """Watch a stream no more; what happened there stays recorded.

        Raises:
            Problem: it is not there.
        """
        with self._changing:
            self.board.config(stream)
            with self._database.begin() as session:
                streams.remove(session, stream)
            self._retire(stream)
            self.board.remove(stream)
            self.pictures.forget(stream)

    def use(self, operating_point: str | None) -> None:
        """The service's own operating point is another one now; streams that chose none follow it."""
        with self._changing:
            if operating_point == self._point:
                return
            self._point = operating_point
            for stream in list(self._cameras):
                config = self.board.config(stream)
                if config.how.operating_point is None and not config.paused:
                    self._restart(config)

    def _load(self, stored: StoredStream) -> None:
        named = self._doors.name(stored.source)
        config = Config(stored.id, stored.name, stored.source, named.shown, named.kind, paused=stored.paused)
        try:
            config = replace(config, how=How.from_json(stored.how))
        except ConfigError as error:
            LOG.warning("stream %d %s cannot be watched: %s", stored.id, stored.name, error)
            self.board.put(config, "failed", f"set it up anew: {error}")
            return
        if config.paused:
            self.board.put(config, "paused")
        else:
            self._restart(config)

    def _known(self, operating_point: str | None) -> str | None:
        """The same, or the model's default where this model has it not, as after another one was put in its place."""
        if operating_point not in self._card.operating_points:
            return None
        return operating_point

    def _checked(self, config: Config) -> Config:
        """The same with its kind and public name, if it may be watched so."""
        try:
            self._card.thresholds_at(config.how.operating_point)
            named = self._doors.check(config.source)
        except (ConfigError, InputError) as error:
            raise Problem(422, str(error)) from error
        return replace(config, shown=named.shown, kind=named.kind)

    def _apply(self, config: Config, was: Config, *, resume: bool) -> None:
        camera = self._cameras.get(config.id)
        if config.paused:
            if (config.source, config.how, was.paused) == (was.source, was.how, True):
                self.board.rename(config)
                return
            self._retire(config.id)
            self.board.put(config, "paused")
        elif was.paused or (config.source, config.how) != (was.source, was.how) or (resume and not _alive(camera)):
            self._restart(config)
        elif camera is not None:
            camera.config = config
            self.board.rename(config)
        else:
            self.board.rename(config)

    def _restart(self, config: Config) -> None:
        after = self._retire(config.id)
        self.board.put(config, "starting")
        camera = self._cameras[config.id] = Camera(config, self._tools, after)
        camera.start()

    def _retire(self, stream: int) -> Camera | None:
        """Have a stream end; it is waited for when the service ends."""
        self._leaving = [camera for camera in self._leaving if _alive(camera)]
        camera = self._cameras.pop(stream, None)
        if camera is not None:
            camera.stop()
            self._leaving.append(camera)
        return next((one for one in reversed(self._leaving) if one.config.id == stream), None)

    def _pipeline(self, config: Config) -> Pipeline:
        return self._pipelines.get(config.how.min_face_px, config.how.operating_point or self._point)

    def _looked(self, config: Config) -> None:
        self._metrics.frames.labels(config.name).inc()

    def _announce(self, event: Mapping[str, Any]) -> None:
        self._metrics.events.labels(event["stream"], event["kind"]).inc()
        self.board.announce(event)

    def _count(self, state: State) -> float:
        return float(self.board.states().count(state))

    def _ended(self, camera: Config) -> None:
        """A file was watched to its end: it is not watched once more when the service starts again."""
        with self._changing:
            current = self._cameras.get(camera.id)
            if current is None or current.config is not camera:
                return
            config = current.config = replace(camera, paused=True)
            self.board.rename(config)
            try:
                with self._database.begin() as session:
                    streams.change(session, _stored(config))
            except Exception:
                LOG.exception("stream %d: that it ended could not be written down", camera.id)


@contextmanager
def taken(name: str) -> Iterator[None]:
    """The database's word that a name is taken, as a problem."""
    try:
        yield
    except IntegrityError as error:
        raise Problem(409, f"there is a stream called {name!r} already; give it another name") from error


def _check_name(name: str, there: Sequence[Config]) -> None:
    if any(config.name == name for config in there):
        raise Problem(409, f"there is a stream called {name!r} already; give it another name")


def _alive(camera: Camera | None) -> bool:
    return camera is not None and not camera.join(0)


def _stored(config: Config) -> StoredStream:
    return StoredStream(config.id, config.name, config.source, config.how.to_json(), config.paused)
