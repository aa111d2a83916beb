"""The annotated copy of a stream: every frame in it, and nobody recognisable who is not to be."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from maskwise.stream.outputs.annotated import AnnotatedVideo, drawn
from maskwise.stream.outputs.blur import Blur
from maskwise.stream.outputs.drawing import Drawing
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.values import Image
from tests.stream.one_moment import Where, moment

ANN: Where = (1, (16.0, 16.0, 64.0, 80.0), "unmasked")
BEN: Where = (2, (96.0, 16.0, 144.0, 80.0), "masked")


def pattern() -> Image:
    """Fine enough that nothing of it is left when it is made coarse."""
    y, x = np.mgrid[0:120, 0:160]
    return np.repeat((((x // 2 + y // 2) % 2) * 200 + 20).astype(np.uint8)[..., None], 3, axis=2)


def detail(image: Image, where: Where) -> float:
    """How much fine structure the middle of a face's box has."""
    x0, y0, x1, y1 = (int(v) for v in where[1])
    part = image[y0 + 20 : y1 - 20, x0 + 12 : x1 - 12].astype(float)
    return float(part.std())


@pytest.mark.parametrize(
    ("blur", "hidden", "shown"), [("all", [ANN, BEN], []), ("unmasked", [ANN], [BEN]), ("none", [], [ANN, BEN])]
)
def test_whose_face_is_hidden(blur: Blur, hidden: list[Where], shown: list[Where]) -> None:
    image = drawn(moment(0.0, [ANN, BEN], image=pattern()), blur, Drawing())
    assert all(detail(image, where) < 25 for where in hidden)
    assert all(detail(image, where) > 80 for where in shown)


def test_whoever_is_not_surely_masked_counts_as_unmasked() -> None:
    unsure = (3, ANN[1], "uncertain")
    assert detail(drawn(moment(0.0, [unsure], image=pattern()), "unmasked", Drawing()), unsure) < 25


def test_the_frame_itself_is_never_changed() -> None:
    image = pattern()
    drawn(moment(0.0, [ANN], image=image), "all", Drawing())
    assert np.array_equal(image, pattern())


def frames_of(path: Path) -> list[Image]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


@pytest.mark.parametrize("blur", ["all", "none"])
def test_every_frame_is_in_the_file_at_its_own_time(tmp_path: Path, blur: Blur) -> None:
    times = [0.0, 0.04, 0.2, 0.21, 1.5]
    with AnnotatedVideo(Mp4(tmp_path / "a.mp4", 25), blur) as video:
        for i, time_s in enumerate(times):
            video.look(moment(time_s, [ANN], looked=i % 2 == 0))
        video.look(moment(times[-1], looked=False, ended=True))
    with av.open(str(tmp_path / "a.mp4")) as container:
        written = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert written == pytest.approx(times, abs=1e-4)


def test_a_face_is_hidden_in_the_frames_before_it_was_found(tmp_path: Path) -> None:
    image = pattern()
    with AnnotatedVideo(Mp4(tmp_path / "a.mp4", 25), "all") as video:
        video.look(moment(0.0, [], image=image))
        video.look(moment(0.04, [], image=image, looked=False))
        video.look(moment(0.08, [], image=image, looked=False))
        video.look(moment(0.12, [ANN], image=image))
    found = frames_of(tmp_path / "a.mp4")
    assert [detail(frame, ANN) < 25 for frame in found] == [True] * 4
    assert [detail(frame, BEN) > 60 for frame in found] == [True] * 4, "the rest of the picture is as it was"


def test_frames_that_wait_when_somebody_else_fails_are_not_written_unhidden(tmp_path: Path) -> None:
    with pytest.raises(KeyError), AnnotatedVideo(Mp4(tmp_path / "a.mp4", 25), "all") as video:  # noqa: PT012
        video.look(moment(0.0, [], image=pattern()))
        video.look(moment(0.04, [], image=pattern(), looked=False))
        raise KeyError("another sink")
    assert not (tmp_path / "a.mp4").exists()
