from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.data import embedded
from maskwise.model.artifact import read_card, write_card
from maskwise.model.verdict import OperatingPoint, Thresholds
from tests.builders import BLUEISH, REDDISH, tiny_artifact


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an artifact and three files: one masked, one unmasked, one that is no picture."""
    folder = tmp_path_factory.mktemp("place")
    tiny_artifact(folder / "model")
    (folder / "pictures").mkdir()
    for name, colour in (("blue.png", BLUEISH), ("red [1].png", REDDISH)):
        Pillow.fromarray(np.full((40, 50, 3), colour, np.uint8)).save(folder / "pictures" / name)
    (folder / "pictures" / "text.jpg").write_text("not a picture")
    return folder


COMMAND = [sys.executable, "-m", "maskwise", "check", "--model", "model", "--faces", "whole"]


def check(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **environment}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def test_the_table_has_a_row_for_everything_and_is_not_cut(place: Path) -> None:
    ran = check(place, "pictures")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert any("blue.png" in line and "✓ masked" in line for line in lines)
    assert any("red [1].png" in line and "✗ unmasked" in line for line in lines)
    assert any("text.jpg" in line and "not a picture" in line for line in lines)
    assert lines[-1] == "3 pictures, 2 faces: 1 masked, 1 unmasked, 1 picture could not be read"
    assert ran.stderr == ""


def test_a_long_name_stays_on_one_line_and_commands_to_the_terminal_are_spelled_out(
    place: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "/".join(["deep"] * 60)
    folder.mkdir(parents=True)
    shutil.copy(place / "pictures" / "blue.png", folder / "a\x1b[31m.png")
    ran = check(place, str(tmp_path))
    assert f"{folder}/a\\x1b[31m.png" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_a_stdout_that_knows_only_ascii_gets_the_words(place: Path) -> None:
    ran = check(place, "pictures", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0, ran.stderr
    assert "| masked " in ran.stdout
    assert ran.stdout.isascii()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pseudo-terminals and /dev/full are Linux's")
class TestWhereOutputGoes:
    def test_json_goes_to_the_pipe_also_when_a_bar_is_drawn(self, place: Path) -> None:
        """rich sends what is printed during a bar through the bar's console: it must not catch the JSON."""
        import pty

        screen, terminal = pty.openpty()
        ran = subprocess.run([*COMMAND, "pictures", "--json"], cwd=place, stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        shown = os.read(screen, 100_000).decode()
        os.close(screen)
        assert [bool(json.loads(line)["error"]) for line in ran.stdout.splitlines()] == [False, False, True]
        assert '"source"' not in shown
        assert "3 pictures, 2 faces" in shown

    @pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
    def test_colour_is_for_terminals_that_want_it(self, place: Path, extra: dict[str, str], coloured: bool) -> None:
        import pty

        screen, terminal = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"} | extra
        subprocess.run([*COMMAND, "pictures"], cwd=place, stdout=terminal, stderr=subprocess.DEVNULL, env=environment)
        os.close(terminal)
        shown = os.read(screen, 100_000).decode()
        os.close(screen)
        assert "masked" in shown
        assert bool(re.search(r"\x1b\[[0-9;]*38;", shown)) == coloured

    @pytest.mark.parametrize("how", [[], ["--json"]])
    def test_a_full_disk_under_stdout_is_one_clear_line(self, place: Path, how: list[str]) -> None:
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [*COMMAND, "pictures", *how], cwd=place, stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert ran.returncode == 2
        assert "No space left on device" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_json_is_one_line_a_picture_and_nothing_else(place: Path) -> None:
    ran = check(place, "pictures", "--json")
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(Path(row["source"]).name, [f["verdict"] for f in row["faces"]], bool(row["error"])) for row in rows] == [
        ("blue.png", ["masked"], False),
        ("red [1].png", ["unmasked"], False),
        ("text.jpg", [], True),
    ]


def test_csv_and_annotated_copies(place: Path, tmp_path: Path) -> None:
    ran = check(place, "pictures", "--csv", str(tmp_path / "rows.csv"), "--annotate", str(tmp_path / "drawn"))
    assert ran.returncode == 0, ran.stderr
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert [row["verdict"] for row in rows] == ["masked", "unmasked", ""]
    assert rows[2]["error"]
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == ["blue.png", "red [1].png"]
    original = np.asarray(Pillow.open(place / "pictures" / "blue.png"))
    drawn = np.asarray(Pillow.open(tmp_path / "drawn" / "blue.png"))
    assert drawn.shape == original.shape
    assert not np.array_equal(drawn, original)


def test_every_face_is_explained_where_asked_and_nowhere_else(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "why"
    plain, ran = check(place, "pictures", "--json"), check(place, "pictures", "--json", "--explain", str(folder))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == plain.stdout
    assert f"explained 2 faces in {folder}\n" in ran.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["blue-face1.png", "red [1]-face1.png"]
    assert sorted(p.name for p in (place / "pictures").iterdir()) == ["blue.png", "red [1].png", "text.jpg"]
    again = check(place, "pictures", str(folder), "--explain", str(folder))
    assert "left out 2 pictures" in again.stderr
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pictures", "--fail-on", "unmasked"], 1, "1 unmasked"),
        (["pictures/blue.png", "--fail-on", "unmasked,uncertain"], 0, "1 masked"),
        (["pictures", "--fail-on", "bare"], 2, "'bare' is not a verdict; use masked, incorrect, unmasked, uncertain"),
        (["pictures", "--fail-on", "incorrect"], 2, "knows only masked, unmasked"),
        (["pictures/text.jpg"], 2, "not one picture could be read"),
        (["missing.jpg"], 2, "not one picture could be read"),
        (["*.tiff"], 2, "no picture matches"),
        (["pictures", "--model", "nowhere"], 2, "not a model folder"),
        (["pictures", "--faces", "some"], 2, "detect, whole"),
        (["pictures", "--threshold", "7"], 2, "between 0 and 1"),
        (["pictures", "--operating-point", "gate"], 2, "'gate' is not in this model; it has none at all"),
        (["pictures", "--faces", "detect", "--min-face", "17"], 2, "17 is not one of 16, 24, 40"),
        (["pictures", "--min-face", "16"], 2, "16 goes with faces='detect'"),
        (["pictures", "--csv", "/dev/full"], 2, "/dev/full"),
        (["pictures", "--annotate", "pictures"], 2, "the pictures themselves lie there"),
        (["pictures", "--explain", "pictures"], 2, "--explain pictures: the pictures themselves lie there"),
        (["pictures", "--explain", "/dev/full"], 2, "cannot write /dev/full"),
        (["pictures", "--explain"], 2, "requires an argument"),
        (["pictures/**png"], 2, "not a pattern"),
    ],
)
def test_exit_codes_and_one_clear_line(place: Path, arguments: list[str], code: int, said: str) -> None:
    ran = check(place, *arguments)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr


def test_a_second_run_neither_checks_nor_loses_the_copies_of_the_first(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "pictures", tmp_path / "all")
    drawn = tmp_path / "all" / "drawn"
    first = check(place, str(tmp_path / "all"), "--annotate", str(drawn))
    second = check(place, str(tmp_path / "all"), "--annotate", str(drawn))
    assert first.stdout == second.stdout
    assert "left out 2 pictures" in second.stderr
    assert sorted(p.name for p in drawn.iterdir()) == ["blue.png", "red [1].png"]


def test_checking_never_loads_the_training_side(place: Path) -> None:
    code = """
import sys
from maskwise.cli import app
try:
    app(["check", "pictures/blue.png", "--model", "model", "--faces", "whole", "--explain", "why"])
except SystemExit as done:
    assert not done.code, done.code
heavy = {"torch", "polars", "matplotlib", "sklearn", "timm", "jinja2", "yaml"} & sys.modules.keys()
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_reader_that_leaves_early_is_no_failure(place: Path) -> None:
    many = " ".join(["pictures/*.png"] + [f"'./{'pictures/../' * i}pictures/*.png'" for i in range(1, 30)])
    verb = f"{sys.executable} -m maskwise check --model model --faces whole --json"
    command = f"{verb} {many} | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], cwd=place, capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines()
    assert json.loads(lines[0])["faces"]
    assert lines[1] == "0", ran.stderr


def test_the_operating_point_decides_what_passes(place: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(place / "model", tmp_path / "strict")
    gate = OperatingPoint(Thresholds(0.6, masked_from=1.0))
    write_card(folder, replace(read_card(folder), operating_points={"gate": gate}))
    said = {
        point: check(place, "pictures/blue.png", "--model", str(folder), "--json", *point.split())
        for point in ("", "--operating-point gate", "--operating-point door")
    }
    faces = [json.loads(ran.stdout)["faces"][0] for ran in list(said.values())[:2]]
    assert [face["verdict"] for face in faces] == ["masked", "uncertain"]
    assert faces[1]["uncertain_because"].startswith("p(masked) 0.99")
    refused = said["--operating-point door"]
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "operating point 'door' is not in this model; it has gate" in refused.stderr


def test_smaller_faces_are_found_on_request(place: Path, tmp_path: Path) -> None:
    image = np.full((300, 400, 3), 127, np.uint8)
    head = Pillow.fromarray(embedded.astronaut()[10:210, 125:325]).resize((28, 28), Pillow.Resampling.BOX)
    image[200:228, 180:208] = np.asarray(head)
    Pillow.fromarray(image).save(tmp_path / "far.png")
    found = [
        json.loads(check(place, str(tmp_path / "far.png"), "--faces", "detect", "--json", *how).stdout)["faces"]
        for how in ([], ["--min-face", "40"], ["--min-face", "16"])
    ]
    assert [len(faces) for faces in found] == [0, 0, 1]
