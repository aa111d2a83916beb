"""What Prometheus is told; one register a service, so that two in a process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.register = CollectorRegistry()
        self.requests = Counter(
            "maskwise_requests", "Requests answered.", ("method", "route", "status"), registry=self.register
        )
        self.request_seconds = Histogram(
            "maskwise_request_seconds", "From a request's arrival to its answer.", ("route",), registry=self.register
        )
        self.pictures = Counter("maskwise_pictures", "Pictures looked at.", ("outcome",), registry=self.register)
        self.faces = Counter("maskwise_faces", "Faces in pictures, by verdict.", ("verdict",), registry=self.register)
        self.waiting = Gauge("maskwise_pictures_waiting", "Pictures that wait to be looked at.", registry=self.register)
        self.streams = Gauge("maskwise_streams", "Streams, by state.", ("state",), registry=self.register)
        self.frames = Counter("maskwise_stream_looks", "Looks at streams.", ("stream",), registry=self.register)
        self.events = Counter("maskwise_events", "Events of streams.", ("stream", "kind"), registry=self.register)
        self.messages = Counter("maskwise_alarms", "Alarms to targets.", ("outcome",), registry=self.register)
