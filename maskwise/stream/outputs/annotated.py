"""The stream itself with what is said drawn in, and faces made unrecognisable where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from maskwise.stream.outputs.blur import Blur, blurred, hides
from maskwise.stream.outputs.drawing import Drawing
from maskwise.stream.outputs.mp4 import Mp4
from maskwise.stream.watching import Moment, Shown
from maskwise.values import Image


def drawn(moment: Moment, blur: Blur, drawing: Drawing, also: Sequence[Shown] = ()) -> Image:
    """A copy of the frame with everyone boxed and labelled.

    Args:
        moment: the frame and who is in it.
        blur: whose faces are made unrecognisable: `all`, `unmasked` (everyone who is not surely masked) or `none`.
        drawing: draws people, zones and lines.
        also: people who are not known to be there yet and are only made unrecognisable.
    """
    hidden = [shown.box_xyxy for shown in (*moment.here, *also) if hides(blur, shown.verdict.label)]
    image = blurred(moment.frame.image, hidden) if hidden else moment.frame.image
    return drawing(image, moment.here)


class AnnotatedVideo:
    """An H.264 file of the stream; a sink for moments.

    With blurring, frames wait for the next look at faces, a tenth of a second: whoever is found then was most likely
    there just before, and is made unrecognisable in those frames, too.
    """

    def __init__(self, file: Mp4, blur: Blur, drawing: Drawing | None = None) -> None:
        """Nothing is written before the first frame.

        Args:
            file: closed with this.
            blur: see `drawn`.
            drawing: draws people, zones and lines.
        """
        self._mp4, self._blur, self._drawing = file, blur, drawing or Drawing()
        self._held: list[Moment] = []

    def __enter__(self) -> Self:
        self._mp4.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self._release(())
        finally:
            self._mp4.__exit__(kind, error, at)

    def look(self, moment: Moment) -> None:
        """Add a frame.

        Raises:
            StorageError: it cannot be written.
        """
        if moment.ended:
            return
        if self._blur == "none":
            self._write(moment, ())
            return
        if moment.result is not None:
            known = {shown.number for held in self._held for shown in held.here}
            self._release([shown for shown in moment.here if shown.number not in known])
        self._held.append(moment)

    def _release(self, arrived: Sequence[Shown]) -> None:
        held, self._held = self._held, []
        for moment in held:
            self._write(moment, arrived)

    def _write(self, moment: Moment, arrived: Sequence[Shown]) -> None:
        self._mp4.write(drawn(moment, self._blur, self._drawing, arrived), moment.frame.time_s or 0.0)
