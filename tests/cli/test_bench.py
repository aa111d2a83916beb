"""`maskwise bench`: what it measures hangs together; how fast a machine is, no test can know."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from maskwise.stream.measuring import bench as bench_module
from maskwise.stream.measuring.bench import STAGES
from tests.cli.command_line import run

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference/bench.md"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_module, "LIVE_S", 1.0)


def test_the_figures_hang_together(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(monkeypatch, capsys, "bench", "--size", "320x240", "--faces", "2", "--frames", "45", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["width"], found["height"], found["frames"]) == (320, 240, 45)
    assert found["looks"] in (15, 16), "ten times a second of a film of 1.5 s"
    assert found["faces"] == pytest.approx(2, abs=0.2)
    assert found["ms"].keys() == set(STAGES)
    assert all(value > 0 for value in found["ms"].values())
    together = sum(found["ms"].values())
    assert found["sequential"] == pytest.approx(1000 / together, rel=0.35), "the stages are all there is"
    assert found["each_ms"]["detect"] == pytest.approx(found["ms"]["detect"] * 45 / found["looks"], rel=0.02)
    assert found["gain"] == pytest.approx(found["overlapped"] / found["sequential"], abs=0.02)
    assert found["of_bound"] == pytest.approx(found["overlapped"] / found["bound"], abs=0.02)
    assert found["latency"]["p50_ms"] <= found["latency"]["p95_ms"] <= found["latency"]["longest_ms"]
    assert found["latency"]["n"] > 3
    assert found["memory_mb"] > 50


def test_the_table_names_every_stage_and_what_bounds_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(monkeypatch, capsys, "bench", "--size", "320x240", "--faces", "1", "--frames", "30")
    assert code == 0
    assert all(re.search(rf"│ {stage} +│ +[\d.]+ +│", out) for stage in STAGES)
    assert re.search(r"side by side \d+ \([\d.]+ times\), \d+% of the \d+ that .* would allow", out)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--size", "big"], "--size 'big': expected WIDTHxHEIGHT"),
        (["--size", "20x20"], "from 64x64"),
        (["nothing.mp4"], "nothing.mp4"),
    ],
)
def test_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    code, _, err = run(monkeypatch, capsys, "bench", *arguments)
    assert code == 2
    assert told in err


def test_the_reference_names_every_key() -> None:
    from dataclasses import fields

    named = set(re.findall(r"`(\w+)`", REFERENCE.read_text()))
    keys = {field.name for kind in (bench_module.Bench, bench_module.Latency) for field in fields(kind)}
    assert keys | {"gain", "of_bound", *STAGES} <= named
