"""`python -m docs.images.serve` makes serve.png: the Live view of three cameras, as shipped, every face hidden.

The people are those of the ORL set in invented colours, with drawn masks; bodies and rooms are drawn here. What the
cameras see is really looked at; the hours before are invented.
"""

from __future__ import annotations

import io
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from playwright.sync_api import Page, ViewportSize

from maskwise.data.clips import BARE, Actor, film
from maskwise.serving.service import Service
from maskwise.serving.store.tables import EventRow, VisitRow, WatchedRow
from maskwise.values import Image
from tests.serving.inside.browser import started_browser
from tests.serving.page.conftest import running
from tests.stream.footage import mjpeg_camera

TARGET = Path(__file__).with_name("serve.png")
VIEWPORT: ViewportSize = {"width": 1680, "height": 1440}
"""Wide enough for three tiles beside each other; the picture is then 1600 pixels wide."""
SIZE_WH, SECONDS, RATE = (640, 360), 12.0, 8.0
WIDE_PX, COLOURS, HOUR_S, HOURS = 1600, 224, 3600, 12
VERDICTS = ("masked", "incorrect", "unmasked", "uncertain")


def _actor(person: int, look: str, x: float, y: float, height: float) -> Actor:
    return Actor(person, (0, 1, 2), ((0.0, look),), (x - 0.03, y), (x + 0.03, y), height=height, seed=person)


CAMERAS: dict[str, tuple[Actor, ...]] = {
    "Main entrance": (
        _actor(2, "covering", 0.2, 0.42, 0.36),
        _actor(11, "covering", 0.52, 0.36, 0.31),
        _actor(24, "nose_out", 0.82, 0.45, 0.38),
    ),
    "Waiting room": (
        _actor(5, "covering", 0.15, 0.5, 0.34),
        _actor(33, BARE, 0.4, 0.46, 0.31),
        _actor(8, "covering", 0.63, 0.48, 0.31),
        _actor(15, "covering", 0.87, 0.52, 0.34),
    ),
    "Ward 2": (_actor(19, "covering", 0.32, 0.4, 0.38), _actor(28, "covering", 0.7, 0.44, 0.36)),
}
CLOTHES = ((62, 92, 120), (94, 122, 108), (120, 104, 96), (72, 84, 104), (142, 150, 158))


def pictures(actors: Sequence[Actor]) -> list[bytes]:
    """A film as JPEG files, forth and back so that nobody jumps."""
    made = []
    for frame, there in film(actors, SECONDS, RATE, SIZE_WH):
        image = frame.image.copy()
        for one in there:
            _body(image, one.box_xyxy, CLOTHES[one.actor % len(CLOTHES)])
        file = io.BytesIO()
        Pillow.fromarray(image).save(file, "JPEG", quality=92)
        made.append(file.getvalue())
    return [*made, *made[-2:0:-1]]


def _body(image: Image, box: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Neck and shoulders below a face."""
    x0, _, x1, y1 = (float(v) for v in box)
    wide, x = x1 - x0, (x0 + x1) / 2
    cloth = image.copy()
    cv2.ellipse(
        cloth, _point(x, y1 + 1.35 * wide), _point(1.15 * wide, 1.15 * wide), 0, 180, 360, colour, -1, cv2.LINE_AA
    )
    cv2.rectangle(cloth, _point(x - 1.15 * wide, y1 + 1.34 * wide), (round(x + 1.15 * wide), SIZE_WH[1]), colour, -1)
    image[:] = cv2.GaussianBlur(cloth, (3, 3), 0)


def _point(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def remember(parts: Service, streams: Sequence[tuple[int, str]]) -> None:
    """Half a day in a clinic: few in the early hours, most around noon; most of them with a mask."""
    rng = np.random.default_rng(4)
    now_s = time.time()
    with parts.database.begin() as session:
        for number, name in streams:
            for hour in range(HOURS + 1):
                begins_s = now_s // HOUR_S * HOUR_S - hour * HOUR_S
                seconds = min(HOUR_S, now_s - begins_s)
                session.add(WatchedRow(stream_id=number, hour_s=int(begins_s), stream=name, seconds=seconds))
                busy = rng.poisson(3 + 9 * np.sin(np.pi * (HOURS - hour + 1) / (HOURS + 3)) ** 2)
                for _ in range(busy):
                    verdict = str(
                        rng.choice(["masked", "incorrect", "unmasked", "uncertain"], p=[0.82, 0.07, 0.07, 0.04])
                    )
                    at_s = begins_s + float(rng.uniform(0.02, 0.98)) * seconds
                    session.add(_visit(number, name, verdict, at_s))
                    if verdict == "unmasked" and at_s < now_s - 900:
                        session.add(_violation(number, name, at_s))


def _visit(stream: int, name: str, verdict: str, at_s: float) -> VisitRow:
    held = {
        f"{label}_s": 30.0 if label == verdict else 0.0 for label in ("masked", "incorrect", "unmasked", "uncertain")
    }
    return VisitRow(stream_id=stream, stream=name, began_s=at_s - 30, ended_s=at_s, verdict=verdict, **held)


def _violation(stream: int, name: str, at_s: float) -> EventRow:
    return EventRow(
        stream_id=stream, stream=name, run=0.0, at_s=at_s, time_s=1.0, kind="violated", person=1,
        verdict="unmasked", was=None, line=None, way=None, seconds=3.0,
    )  # fmt: skip


def _cameras(stack: ExitStack) -> Iterator[tuple[str, str]]:
    """Their names and addresses."""
    for name, actors in CAMERAS.items():
        shots = pictures(actors)

        def sends(_: int, shots: list[bytes] = shots) -> Iterator[bytes | float]:
            for shot in itertools.cycle(shots):
                yield shot
                yield 1 / RATE

        yield name, stack.enter_context(mjpeg_camera(sends))


ADD = """async (how) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/v1/streams", { method: "POST", headers, body: JSON.stringify(how) });
  if (!answer.ok) throw new Error(await answer.text());
}"""


def shown(page: Page, address: str, cameras: Sequence[tuple[str, str]]) -> bytes:
    """The Live view once everybody is seen and the one alarm has come."""
    page.goto(f"{address}/#live")
    page.get_by_text("No streams yet").wait_for()
    for name, source in cameras:
        zones = [{"name": "seats", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]]}] if name == "Waiting room" else []
        how = {"name": name, "source": source, "violations": ["unmasked"], "zones": zones}
        page.evaluate(ADD, how)
    page.get_by_role("region", name="Alarms", exact=True).wait_for()
    page.wait_for_timeout(3000)
    page.evaluate("dispatchEvent(new Event('resize')); document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(2000)
    return page.screenshot()


def main() -> None:
    """Write the picture, in so few colours that a README loads fast."""
    with ExitStack() as stack:
        cameras = list(_cameras(stack))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(running(folder, sources=("127.0.0.1",)))
        browser = stack.enter_context(started_browser())
        remember(service.parts, [(number, name) for number, (name, _) in enumerate(cameras, 1)])
        page = browser.new_page(viewport=VIEWPORT, color_scheme="light")
        picture = shown(page, service.address, cameras)
        page.close()
    whole = Pillow.open(io.BytesIO(picture)).convert("RGB")
    small = whole.resize((WIDE_PX, round(whole.height * WIDE_PX / whole.width)), Pillow.Resampling.LANCZOS)
    few = small.quantize(COLOURS, Pillow.Quantize.MEDIANCUT)
    few.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
