from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from maskwise.inference.labels import Label, Rectangle, Saying, place_labels

SIZE = (1280, 720)


def saying(number: int = 3, verdict: str = "unmasked") -> Saying:
    return Saying(verdict, (f"{number} {verdict}", str(number)))


def overlap(a: Rectangle, b: Rectangle) -> float:
    """Area that two rectangles share."""
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


def place(
    boxes: list[Rectangle], before: list[Label | None] | None = None, taken: list[Rectangle] | None = None
) -> list[Label]:
    return place_labels(boxes, [saying(i) for i in range(len(boxes))], SIZE, before, taken or [])


def test_a_label_keeps_its_size_while_a_face_trembles_and_grows_with_it_in_the_end() -> None:
    widths = [110.0, 111.5, 113.0, 111.0, 110.0, 113.5]
    boxes: list[list[Rectangle]] = [[(300, 300, 300 + width, 450)] for width in widths]
    afresh, kept, last = set(), set(), None
    for box in boxes:
        afresh.add(place(box)[0].text_px)
        (last,) = place(box, [last])
        kept.add(last.text_px)
    assert len(afresh) > 1
    assert len(kept) == 1
    assert place([(300, 300, 480, 500)], [last])[0].text_px > kept.pop() * 1.15


@pytest.mark.parametrize("seed", range(20))
def test_labels_of_scattered_faces_lie_on_no_face_no_label_and_nothing_taken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = [(x * 250 + rng.uniform(0, 150), y * 240 + rng.uniform(20, 140)) for x in range(5) for y in range(3)]
    boxes: list[Rectangle] = [(x, y, x + 70, y + 90) for x, y in corners]
    taken: list[Rectangle] = [(0, 0, 200, 20), (560, 350, 700, 368)]
    taken = [rectangle for rectangle in taken if not any(overlap(rectangle, box) for box in boxes)]
    before: list[Label | None] = [None] * len(boxes)
    for _ in range(3):  # also where they have been before
        labels = place(boxes, before, taken)
        before = [*labels]
        for one, other in combinations(labels, 2):
            assert overlap(one.extent, other.extent) < 15  # a rounded corner
        for label in labels:
            assert all(overlap(label.extent, rectangle) < 15 for rectangle in (*boxes, *taken))
            assert overlap(label.extent, (0, 0, *SIZE)) == (label.extent[2] - label.extent[0]) * (
                label.extent[3] - label.extent[1]
            )


def test_in_want_of_room_the_verdict_goes_before_the_number() -> None:
    """Four rows of faces, one label's height between them: beside a face `13 unmasked` is too long, `13` is not."""
    boxes: list[Rectangle] = [
        (40 + 44 * i, 300 + 72 * j, 80 + 44 * i, 350 + 72 * j) for j in range(4) for i in range(10)
    ]
    labels = place(boxes)
    words = [label.words for label in labels]
    assert all(word in ("", str(i), f"{i} unmasked") for i, word in enumerate(words))
    assert sum(word == str(i) for i, word in enumerate(words)) >= 10
    assert words.count("") <= 4
    on_faces = [sum(overlap(label.extent, box) for box in boxes) for label in labels]
    assert sum(hidden > 15 for hidden in on_faces) <= 2
