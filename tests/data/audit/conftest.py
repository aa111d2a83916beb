from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.data.embedded import build_demo_dataset
from maskwise.model.images import read_image
from maskwise.values import Image


def write(path: Path, image: Image, quality: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    assert cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces of eight people with everything that an audit is to find planted in them.

    Train and test folders; five pictures of test are in train, changed; one of train carries the other label, too; all
    masked pictures are coarser JPEGs.
    """
    folder = tmp_path_factory.mktemp("planted")
    build_demo_dataset(folder / "plain", people=8)
    data = folder / "data"
    for path in sorted((folder / "plain").rglob("*.png")):
        label, person = path.parts[-3:-1]
        split = "test" if person in ("s07", "s08") else "train"
        write(data / split / label / f"{person}-{path.stem}.jpg", read_image(path), 40 if label == "masked" else 95)
    tested = sorted((data / "test" / "masked").glob("*.jpg"))[:5]
    for i, path in enumerate(tested):
        image = read_image(path)
        changed = image[:, ::-1] if i % 2 else image[8:, : image.shape[1] - 8]
        write(data / "train" / "masked" / f"leak-{i}.jpg", changed, 40)
    bare = sorted((data / "train" / "unmasked").glob("*.jpg"))[0]
    write(data / "train" / "masked" / "wrong-label.jpg", read_image(bare)[4:, :], 40)
    (data / "train" / "masked" / "broken.jpg").write_text("no picture")
    return data


@pytest.fixture(scope="session")
def elsewhere(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second data set that shares one picture with the first, made smaller."""
    data = tmp_path_factory.mktemp("elsewhere") / "other"
    build_demo_dataset(data, seed=5, people=2)
    shared = sorted((planted / "train" / "unmasked").glob("s03*.jpg"))[0]
    write(
        data / "unmasked" / "x" / "shared.jpg",
        np.asarray(cv2.resize(read_image(shared), None, fx=0.6, fy=0.6), np.uint8),
    )
    return data
