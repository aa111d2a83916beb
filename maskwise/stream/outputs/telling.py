"""Events in words, without anything that could tell who somebody is."""

from __future__ import annotations

from maskwise.stream.following.events import Event


def what_happened(event: Event) -> str:
    """One event in half a line: `person 3 violated: unmasked for 4 s in door`."""
    where = f" in {', '.join(event.zones)}" if event.zones else ""
    lasted = f" for {event.seconds:.0f} s" if event.kind == "violated" and event.seconds is not None else ""
    was = f"{event.was} to " if event.was else ""
    over = f" {event.line}, {(event.way or '').replace('_', ' ')}" if event.line else ""
    return f"person {event.person} {event.kind}{over}: {was}{event.verdict}{lasted}{where}"


def clock_time(seconds: float) -> str:
    """1:02:03 for 3723 seconds."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
