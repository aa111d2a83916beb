"""A film is made, watched by the bundled model and judged, all through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskwise.stream.measuring.truth import read_truth
from maskwise.stream.sources.video import Video
from tests.cli.command_line import run

FIGURE = {"value", "low", "high", "n"}
FIGURES = (
    "persons_right", "right", "uncertain", "found", "first_right_s", "changed_right_s", "false_alarms_per_hour",
    "switches_per_person_minute", "flicker_per_person_minute",
)  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "hall.mp4"
    with pytest.MonkeyPatch.context() as patch:
        arguments = ["--scenario", "takes_off", "--seconds", "9", "--size", "320x240", "--rate", "5", "--seed", "4"]
        patch.setattr("sys.argv", ["maskwise", "data", "film", str(path), *arguments])
        from maskwise import cli

        with pytest.raises(SystemExit) as done:
            cli.main()
        assert not done.value.code
    return path


def test_the_film_and_its_list_belong_together(film: Path) -> None:
    with Video(str(film)) as video:
        frames = list(video)
    assert len(frames) == 45
    assert frames[0].image.shape == (240, 320, 3)
    truth = read_truth(film.with_suffix(".csv"))
    assert truth.people == ("actor 1",)
    assert [seen.label for seen in truth.at(frames[10].time_s or 0)] == ["masked"]
    assert [seen.label for seen in truth.at(frames[40].time_s or 0)] == ["unmasked"]


def test_a_film_is_judged_person_by_person(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = str(film.with_suffix(".csv"))
    options = ("--video", str(film), "--truth", truth, "--out", str(tmp_path), "--after", "2", "--json")
    code, out, said = run(monkeypatch, capsys, "evaluate", "default", *options)
    assert code == 0, said
    report = json.loads(out)
    assert report == json.loads((tmp_path / "video-report.json").read_text())
    for name in FIGURES:
        assert report[name].keys() >= FIGURE, name
    assert (report["video"], report["artifact"], report["after_s"]) == ("hall.mp4", "default", 2.0)
    (person,) = report["people"]
    assert person["found"]["value"] > 0.9
    assert len(person["tracks"]) == 1
    assert report["alarms"]["due"] == 1


def test_the_page_describes_every_key(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = str(film.with_suffix(".csv"))
    code, out, said = run(
        monkeypatch, capsys, "evaluate", "default", "--video", str(film), "--truth", truth, "--out", str(tmp_path)
    )
    assert code == 0, said
    assert "persons right" in out
    report = json.loads((tmp_path / "video-report.json").read_text())
    page = (Path(__file__).parents[2] / "docs/reference/video-report.md").read_text()
    described = {word for line in page.splitlines() if line.startswith("| `") for word in line.split("|")[1].split("`")}
    assert {*report, *report["people"][0], *report["alarms"]} <= described


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--video", "a.mp4"], "add --truth"),
        (["--truth", "a.csv"], "add --video"),
        (["--video", "a.mp4", "--truth", "a.csv", "--data", "photos"], "give one of the two"),
        (["--video", "a.mp4", "--truth", "a.csv", "--split", "test"], "a film has no splits"),
        (["--video", "a.mp4", "--truth", "no-such.csv"], "no-such.csv: cannot be read as a list"),
        ([], "--data is missing"),
    ],
)
def test_one_clear_error(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(monkeypatch, capsys, "evaluate", "default", *arguments)
    assert code == 2
    assert message in said


def test_a_list_of_another_film_is_an_error(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.csv"
    path.write_text("time_s,person,x_min,y_min,x_max,y_max,label\n900,a,0,0,9,9,masked\n")
    code, _, said = run(monkeypatch, capsys, "evaluate", "default", "--video", str(film), "--truth", str(path))
    assert code == 2
    assert "have nothing in common" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["film.avi"], "films are written as .mp4"),
        (["film.mp4", "--scenario", "dances"], "'dances' is not one of puts_on"),
        (["film.mp4", "--size", "640"], "expected WIDTHxHEIGHT"),
        (["film.mp4", "--seconds", "-1"], "a film of -1 s"),
    ],
)
def test_films_that_cannot_be(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, said = run(monkeypatch, capsys, "data", "film", *arguments)
    assert code == 2
    assert message in said
    assert list(tmp_path.iterdir()) == []
