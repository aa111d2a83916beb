"""Every pixel is looked at, neighbours share what they promise, and no face up to a size is cut by every tile."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.model.tiles import CLEARANCE, Tile, tiles

lengths, sides, overlaps = st.integers(1, 300), st.integers(1, 120), st.integers(0, 80)


@settings(max_examples=150, deadline=None)
@given(lengths, lengths, sides, overlaps)
def test_tiles_are_of_one_size_and_cover_every_pixel(width: int, height: int, side: int, overlap: int) -> None:
    seen = np.zeros((height, width), int)
    cover = tiles(width, height, side, overlap)
    for tile in cover:
        tile.of(seen[..., None])[...] += 1
        assert tile.left >= 0
        assert tile.top >= 0
        assert tile.right <= width
        assert tile.bottom <= height
    assert (seen > 0).all()
    assert len({(t.right - t.left, t.bottom - t.top) for t in cover}) == 1
    assert max(t.right - t.left for t in cover) <= max(side, 2 * overlap, 1)


@settings(max_examples=150, deadline=None)
@given(lengths, lengths, sides, overlaps)
def test_neighbours_share_what_was_asked_for(width: int, height: int, side: int, overlap: int) -> None:
    cover = tiles(width, height, side, overlap)
    for begins, ends in (("left", "right"), ("top", "bottom")):
        spans = sorted({(getattr(t, begins), getattr(t, ends)) for t in cover})
        assert all(end - begin >= overlap for (_, end), (begin, _) in pairwise(spans))
        assert all(after > before for (before, _), (after, _) in pairwise(spans))


@settings(max_examples=300, deadline=None)
@given(st.data(), lengths, lengths, sides, st.integers(3, 80))
def test_a_box_of_the_promised_size_is_clear_of_the_cuts_of_some_tile(
    data: st.DataObject, width: int, height: int, side: int, overlap: int
) -> None:
    largest = overlap / (1 + 2 * CLEARANCE)
    across, down = (data.draw(st.floats(0.5, min(largest, length))) for length in (width, height))
    x, y = data.draw(st.floats(0, width - across)), data.draw(st.floats(0, height - down))
    # A hundredth of a pixel less: what lies exactly on the edge is a matter of float32.
    box = np.array([[x, y, max(across - 0.01, 0.1), max(down - 0.01, 0.1)]], np.float32)
    assert any(tile.clear(box)[0] for tile in tiles(width, height, side, overlap))


@pytest.mark.parametrize(
    ("box_xywh", "clear"),
    [
        ((40, 40, 20, 20), True),
        ((6, 40, 20, 20), True),  # by 6 px, a quarter of its side and a bit
        ((4, 40, 20, 20), False),
        ((75, 40, 20, 20), True),  # ends 5 px before the cut
        ((76, 40, 20, 20), False),
        ((40, 0, 20, 20), True),  # the picture's own border cuts nothing off that was there
        ((40, -3, 20, 20), True),
        ((40, 78, 20, 20), False),
        ((40, 40, 20, 200), False),
        ((np.nan, 40, 20, 20), False),
        ((-1e30, 0, 1e30, 1e38), False),
    ],
)
def test_clear(box_xywh: tuple[float, ...], clear: bool) -> None:
    tile = Tile(0, 0, 100, 100, 300, 200)
    moved = Tile(100, 0, 200, 100, 300, 200)  # cut on the left, on the right and below
    shifted = np.array([box_xywh], np.float32) + np.array([[100, 0, 0, 0]], np.float32)
    assert moved.clear(shifted).tolist() == [clear]
    if box_xywh[0] == 4:
        assert tile.clear(np.array([box_xywh], np.float32)).tolist() == [True]


def test_what_fits_is_one_tile_without_cuts() -> None:
    assert tiles(100, 60, 100, 20) == [Tile(0, 0, 100, 60, 100, 60)]
    assert tiles(101, 60, 100, 20) == [Tile(0, 0, 61, 60, 101, 60), Tile(40, 0, 101, 60, 101, 60)]
