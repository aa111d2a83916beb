"""What a page is told of, without a camera: events as they come through its socket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page

TELL = """async (event) => {
  const { feed } = await import('/js/live/feed.js');
  while (!feed.isOpen) await new Promise((done) => setTimeout(done, 20));
  feed.tell('event', event);
}"""
"""Once the page listens: before, nothing could come through its socket either."""


def alarm(page: Page, number: int = 1, stream: str = "Hall", **more: Any) -> None:
    """Somebody without a mask, just now."""
    event = {
        "id": number, "at": datetime.now(UTC).isoformat(), "stream_id": 1, "stream": stream, "kind": "violated",
        "person": 3 + number, "verdict": "unmasked", "was": None, "zones": ["desk"], "line": None, "way": None,
        "seconds": 3.0, "time_s": 9.0, **more,
    }  # fmt: skip
    page.evaluate(TELL, event)
