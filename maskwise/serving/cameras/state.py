"""What is known of a stream: what was chosen for it, what has become of it, and both as they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from maskwise.serving.cameras.how import How
from maskwise.serving.cameras.look import now_json
from maskwise.serving.store.moments import iso

Kind = Literal["camera", "address", "file"]
State = Literal["starting", "connected", "lost", "frozen", "ended", "failed", "paused"]
STATES: tuple[State, ...] = get_args(State)
"""`lost` is opened again, and so is what has `failed` unless it is a file; `frozen` gives one and the same picture;
`ended` is a file that was watched to its end."""


@dataclass(frozen=True, slots=True)
class Config:
    """What was chosen for one stream.

    source: as it was given; may hold a password.
    shown: what others may know of it.
    paused: not to be watched now.
    """

    id: int
    name: str
    source: str
    shown: str
    kind: Kind
    how: How = field(default_factory=How)
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """How well a stream comes through.

    looks_per_s: over the last seconds.
    dropped: frames that were left out in order not to be late.
    broken: packets that could not be decoded.
    latency_ms: from a frame's arrival to what is said of it; None while none comes.
    """

    looks_per_s: float = 0.0
    dropped: int = 0
    broken: int = 0
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What has become of a stream.

    because: of its state, in words; holds no path and no password.
    since_s: when it came to that state, in seconds since 1970.
    size: width and height of the last picture.
    people: how many are in sight, by verdict.
    """

    state: State
    because: str
    since_s: float
    size: tuple[int, int] | None = None
    people: Mapping[str, int] = field(default_factory=dict)
    health: Health = field(default_factory=Health)


def stream_json(config: Config, status: Status) -> dict[str, Any]:
    """A stream as everybody may see it."""
    return {
        "id": config.id,
        "name": config.name,
        "source": config.shown,
        "kind": config.kind,
        "paused": config.paused,
        "how": config.how.to_json(),
        "state": status.state,
        "because": status.because,
        "since": iso(status.since_s),
        "size": list(status.size) if status.size else None,
        "now": now_json(status.people),
        "health": {
            "looks_per_s": round(status.health.looks_per_s, 1),
            "dropped": status.health.dropped,
            "broken": status.health.broken,
            "latency_ms": None if status.health.latency_ms is None else round(status.health.latency_ms, 1),
        },
    }
