"""The whole audit on real faces in which everything that it is to find was planted."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from maskwise.data.audit.audit import SHELF, Audit, audit
from maskwise.data.audit.judging import ArtifactJudge
from maskwise.data.audit.page import render, write_audit
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest, load
from maskwise.errors import DataError
from maskwise.model.faces import YuNet
from tests.builders import tiny_artifact


@pytest.fixture(scope="module")
def found(planted: Path, elsewhere: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("audit")
    other = read_dataset(elsewhere)
    result = audit(read_dataset(planted), folder, against=other, against_name="other", detect=YuNet())
    assert (folder / SHELF).is_dir()
    return result


def kinds(found: Audit, level: str) -> set[str]:
    return {f["kind"] for f in found.content["findings"] if f["level"] == level}


def test_the_verdict_names_what_was_planted(found: Audit) -> None:
    assert found.content["verdict"] == {"level": "red", "says": "Do not publish a score on this."}
    assert {"leak", "shortcut", "against"} <= kinds(found, "red")
    assert "contradiction" in kinds(found, "red") | kinds(found, "amber")


def test_the_leak_is_counted_exactly(found: Audit) -> None:
    leak = found.content["leaks"]["test"]["same_picture"]
    tested = 20
    assert leak["n"] == tested
    assert leak["value"] == pytest.approx(5 / tested)
    assert leak["low"] < 5 / tested < leak["high"]


def test_pairs_lead_from_each_copy_to_its_original(found: Audit) -> None:
    twins = found.pairs.filter(pl.col("kind") == "twin")
    named = {frozenset((Path(a[0]).name, Path(b[0]).name)) for a, b in twins.select("paths_a", "paths_b").rows()}
    assert sum(any(name.startswith("leak-") for name in pair) for pair in named) >= 5
    assert any("wrong-label.jpg" in pair for pair in named)
    assert any("shared.jpg" in pair for pair in named)
    assert twins.filter(pl.col("mirrored")).height >= 2


def test_every_pair_across_leads_from_one_set_to_the_other(found: Audit, planted: Path, elsewhere: Path) -> None:
    across = found.pairs.filter(pl.col("across"))
    assert across.height
    for a, b in across.select("paths_a", "paths_b").rows():
        sides = {str(planted) in path for path in (*a, *b)}
        assert sides == {True, False}, (a, b)  # what lies twice in the second set alone is none of our business
    assert str(elsewhere) in str(across["paths_a"].to_list()) + str(across["paths_b"].to_list())


def test_the_metadata_probe_sees_the_compression(found: Audit) -> None:
    probes = {p["name"]: p for p in found.content["probes"]}
    assert probes["metadata"]["level"] == "red"
    assert probes["metadata"]["accuracy"]["value"] > 0.9
    assert list(probes)[-1] == "face"


def test_the_proposed_groups_hold_leaks_together(found: Audit) -> None:
    rows = found.manifest.usable
    group_of = dict(zip((Path(p).name for p in rows["path"]), rows["group"], strict=True))
    assert group_of["leak-0.jpg"] is not None
    leaked = [name for name, group in group_of.items() if group == group_of["leak-0.jpg"]]
    assert any(name.startswith("s07") for name in leaked)
    assert found.manifest.rows.height == 87  # the broken one keeps its row


def test_every_face_has_its_line_and_the_wrong_label_is_suspected(found: Audit) -> None:
    assert found.faces.height == found.content["faces"] == 86
    assert found.faces["suspicion"].is_sorted(descending=True)
    place = [Path(p).name for p in found.faces["path"]].index("wrong-label.jpg")
    assert place < 12
    assert found.content["unusable"]["n"] == 1


def test_the_same_audit_again_gives_the_same_json(found: Audit, planted: Path, elsewhere: Path, tmp_path: Path) -> None:
    again = audit(
        read_dataset(planted), tmp_path, against=read_dataset(elsewhere), against_name="other", detect=YuNet()
    )
    assert again.content == found.content
    assert again.pairs.equals(found.pairs)
    assert again.faces.equals(found.faces)


# --- the page ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects tags, sources and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.tags if name in attrs]


def test_the_page_is_one_file_that_fetches_and_runs_nothing(found: Audit) -> None:
    page = Page(render(found, title="planted"))
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    assert page.values("src")
    assert all(source.startswith("data:image/") for source in page.values("src"))
    assert all(link.startswith("#") for link in page.values("href"))
    assert {link[1:] for link in page.values("href")} <= set(page.values("id"))
    assert any("default-src 'none'" in value for value in page.values("content"))


def test_the_page_says_the_verdict_first_and_every_finding(found: Audit) -> None:
    text = render(found, title="planted")
    assert text.index("Do not publish a score on this.</h1>") < text.index('id="findings"')
    for finding in found.content["findings"]:
        assert finding["says"].split("'")[0][:60] in text


def test_pictures_can_be_left_out(found: Audit) -> None:
    text = render(found, title="planted", pictures=False)
    assert "data:image" not in text
    assert "picture left out" in text
    assert "leak-0.jpg" in text


def test_names_from_outside_cannot_become_markup(found: Audit) -> None:
    text = render(found, title="<script>alert(1)</script>")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_everything_is_written_and_read_back(found: Audit, tmp_path: Path) -> None:
    page = write_audit(found, tmp_path / "out", title="planted")
    assert page == tmp_path / "out" / "audit.html"
    assert json.loads((tmp_path / "out" / "audit.json").read_text()) == json.loads(json.dumps(found.content))
    assert load(tmp_path / "out" / "manifest.parquet").rows.equals(found.manifest.rows)
    assert pl.read_parquet(tmp_path / "out" / "pairs.parquet").equals(found.pairs)
    assert pl.read_csv(tmp_path / "out" / "faces.csv").height == 86


def test_the_reference_names_every_field_of_the_json(found: Audit) -> None:
    reference = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "audit.md").read_text()
    documented = set(re.findall(r"`([a-z_]+)`", reference))
    assert set(found.content) <= documented
    nested = {key for name in ("pairs", "groups", "face", "suspects", "settings") for key in found.content[name]}
    assert nested <= documented


# --- small and odd data -----------------------------------------------------------------------------------------------


def test_data_without_a_usable_row_is_refused(planted: Path, tmp_path: Path) -> None:
    data = read_dataset(planted)
    with pytest.raises(DataError, match="nothing to audit: none of 87 rows is a usable face"):
        audit(Manifest(data.rows.with_columns(error=pl.lit("broken"))), tmp_path)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_pictures_of_one_class_are_audited_as_far_as_that_goes(planted: Path, tmp_path: Path, rows: int) -> None:
    data = read_dataset(planted)
    few = Manifest(data.usable.filter(pl.col("label") == "unmasked").head(rows))
    found = audit(few, tmp_path)
    assert found.content["faces"] == rows
    assert found.content["probes"] == []
    assert found.content["face"]["accuracy"]["value"] is None
    assert "not defined" in render(found, title="few", pictures=False)


@pytest.mark.slow
@pytest.mark.parametrize("judged", [False, True], ids=["plain classifier", "artifact"])
def test_what_is_not_a_face_is_counted_and_has_no_label_to_doubt(planted: Path, tmp_path: Path, judged: bool) -> None:
    """Every third row is called so: the rest is audited as if these were not there, but for the pairs they are in."""
    rows = read_dataset(planted).usable
    named = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("not_a_face")).otherwise("label")
    data = Manifest(rows.with_columns(label=named))
    judge = ArtifactJudge(tiny_artifact(tmp_path / "artifact")) if judged else None
    found, without = (audit(d, tmp_path / f"{i}", judge=judge) for i, d in enumerate((data, data.faces())))
    assert found.content["labels"] == without.content["labels"] | {"not_a_face": 29}
    assert found.content["faces"] == found.content["suspects"]["n"] == found.faces.height == 57
    assert found.faces["path"].sort().equals(without.faces["path"].sort())
    assert found.content["sources_of_class"] == without.content["sources_of_class"]
    assert found.content["quality"] == without.content["quality"]
    assert "not_a_face" in render(found, title="named", pictures=False)
    if judged:
        told = ("path", "called", "confidence", "flags")
        assert found.faces.select(told).sort("path").equals(without.faces.select(told).sort("path"))


def test_nothing_but_what_is_not_a_face_is_nothing_to_audit(planted: Path, tmp_path: Path) -> None:
    data = Manifest(read_dataset(planted).usable.with_columns(label=pl.lit("not_a_face")))
    with pytest.raises(DataError, match="none of 86 rows is a usable face"):
        audit(data, tmp_path)


def test_scenes_have_faces_of_their_own(shared_data: Path, tmp_path: Path) -> None:
    data = read_dataset(shared_data / "macwin")
    found = audit(Manifest(data.rows.head(120)), tmp_path)
    assert found.content["faces"] == found.faces.height > found.content["pictures"]
    assert "box" in {p["name"] for p in found.content["probes"]}


def test_a_picture_that_both_sets_hold_is_shared_and_no_copy_of_the_first(planted: Path, tmp_path: Path) -> None:
    data = read_dataset(planted)
    person = pl.col("path").str.extract(r"/(s\d+)-")
    one = Manifest(data.usable.filter(pl.col("label") == "unmasked").unique(person, maintain_order=True).head(6))
    other = Manifest(one.rows.head(2).with_columns(path=pl.col("path") + "?", source=pl.lit("other")))
    found = audit(one, tmp_path, against=other, against_name="other")
    assert found.content["pairs"]["copy"]["pairs"] == 0
    assert found.content["against"]["pairs"]["copy"]["pairs"] == 2
    assert found.content["against"]["same_picture"]["value"] == pytest.approx(2 / 6)
