"""Streams, visits and violations for tests, with what they add up to kept beside them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.tables import StreamRow
from maskwise.stream.following.events import Event

VERDICTS = ("masked", "incorrect", "unmasked", "uncertain")
STREAMS = {1: "hall", 2: "ward"}
ZONES = {1: ("door", "desk"), 2: ("door", "bed")}


@dataclass(frozen=True)
class Told:
    """What went in."""

    visits: list[tuple[int, Visit]]
    violations: list[tuple[int, float, tuple[str, ...]]]
    watched: dict[tuple[int, int], float]


def add_streams(database: Database) -> None:
    with database.begin() as session:
        for number, name in STREAMS.items():
            zones = [{"name": zone, "corners": [[0, 0], [1, 0], [1, 1]]} for zone in ZONES[number]]
            session.add(StreamRow(id=number, name=name, source="camera:0", how={"zones": zones}, created_s=0.0))


def fill(database: Database, first: int, last: int, count: int = 60, seed: int = 0) -> Told:
    """Visits and violations at random moments; every hour watched for another time."""
    rng = random.Random(seed)
    told = Told([], [], {})
    for stream in STREAMS:
        for _ in range(count):
            verdict, ended_s = rng.choice(VERDICTS), rng.uniform(first, last)
            zones = tuple(rng.sample(ZONES[stream], rng.randint(0, 2)))
            seconds = {verdict: rng.randint(1, 40) / 4, "uncertain": 0.25}
            told.visits.append((stream, Visit(ended_s - 10, ended_s, verdict, seconds, zones)))
            if rng.random() < 0.4:
                told.violations.append((stream, ended_s - 5, zones))
        for hour_s in range(first // 3600 * 3600, last, 3600):
            told.watched[stream, hour_s] = float(rng.randint(0, 3600))
    for stream, name in STREAMS.items():
        events = tuple(
            Event("violated", name, at_s - first, 1, "unmasked", zones=zones)
            for number, at_s, zones in told.violations
            if number == stream
        )
        visits = tuple(visit for number, visit in told.visits if number == stream)
        watched = {hour_s: seconds for (number, hour_s), seconds in told.watched.items() if number == stream}
        record(database, Batch(stream, name, float(first), events, visits, watched))
    return told
