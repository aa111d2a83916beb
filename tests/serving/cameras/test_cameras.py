from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from maskwise.serving.service import opened
from maskwise.serving.settings import Settings
from maskwise.serving.cameras.how import How
from maskwise.serving.store.tables import EventRow, VisitRow, WatchedRow
from tests.serving.cameras.footage import clip, patiently


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    clip(folder / "leaves.mp4")
    return folder


def test_a_file_is_watched_to_its_end_and_remembered(tmp_path: Path, media: Path) -> None:
    with opened(Settings(tmp_path, media=(media,))) as service:
        cameras = service.cameras
        number = cameras.add("door", "leaves.mp4", How(after_s=2.0))
        assert patiently(lambda: cameras.board.stream(number)["state"] == "ended", 30)
        with service.database.begin() as session:
            kinds = list(session.scalars(select(EventRow.kind).order_by(EventRow.id)))
            visits = [row.verdict for row in session.scalars(select(VisitRow))]
            watched = sum(session.scalars(select(WatchedRow.seconds)))
        print(kinds, visits, watched, cameras.board.stream(number))
