"""What Prometheus is told; one register a service, so that two in a process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from maskwise import __version__

WAITING = "maskwise_pictures_waiting"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds between which requests are counted; whatever stays connected is above the last."""


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.register = CollectorRegistry()
        ProcessCollector(registry=self.register)
        Info("maskwise", "What is running.", registry=self.register).info({"version": __version__})
        self.requests = Counter(
            "maskwise_requests", "Requests answered.", ("method", "route", "status"), registry=self.register
        )
        self.request_seconds = Histogram(
            "maskwise_request_seconds",
            "From a request's arrival to its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.register,
        )
        self.pictures = Counter("maskwise_pictures", "Pictures looked at.", ("outcome",), registry=self.register)
        self.faces = Counter("maskwise_faces", "Faces in pictures, by verdict.", ("verdict",), registry=self.register)
        self.waiting = Gauge(WAITING, "Pictures that wait to be looked at.", registry=self.register)
        self.streams = Gauge("maskwise_streams", "Streams, by state.", ("state",), registry=self.register)
        self.frames = Counter("maskwise_stream_looks", "Looks at streams.", ("stream",), registry=self.register)
        self.events = Counter("maskwise_events", "Events of streams.", ("stream", "kind"), registry=self.register)
        self.messages = Counter("maskwise_alarms", "Alarms to targets.", ("outcome",), registry=self.register)
