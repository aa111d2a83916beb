from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from maskwise.data.catalog import Entry, find, load, public
from maskwise.data.catalog.loading import _PUBLIC
from maskwise.data.formats import FORMATS
from maskwise.errors import ConfigError
from maskwise.values import CLASSES

SETS = public()

GOOD = """
[faces]
title = "Faces"
home = "https://example.org"
layout = "classes"
[faces.classes]
on = "masked"
[faces.licence]
name = "CC0"
accept = false
[faces.get]
how = "download"
files = [{ url = "https://example.org/set.zip" }]
"""


def test_the_sets_that_users_ask_for_are_there() -> None:
    wanted = {"rmfd", "maskedface-net", "andrewmvd", "chandrikadeb7", "prajnasb", "ilc-2021", "fmld", "pwmfd"}
    assert wanted <= SETS.keys()
    assert list(SETS) == sorted(SETS)


@pytest.mark.parametrize("entry", SETS.values(), ids=lambda entry: entry.name)
class TestEveryEntry:
    def test_says_what_a_user_has_to_know(self, entry: Entry) -> None:
        assert entry.labels
        assert entry.summary
        assert entry.problems
        assert entry.unverified, "nothing could be checked on the network when this was written"
        assert all(problem.text.endswith(".") and problem.source for problem in entry.problems)
        assert entry.counts.source

    def test_claims_no_checksum_that_nobody_published(self, entry: Entry) -> None:
        assert not entry.get.tree_sha256
        assert not any(file.sha256 or file.bytes for file in entry.get.files)
        assert any("SHA-256" in text for text in entry.unverified)

    def test_has_its_licence_accepted(self, entry: Entry) -> None:
        assert entry.licence.accept, "none of these is clearly free for commercial use"
        assert "\n" not in entry.licence.line

    def test_counts_only_classes_that_it_has(self, entry: Entry) -> None:
        assert set(entry.counts.known) - {"pictures"} <= set(entry.labels)
        assert not entry.counts.exact

    def test_asks_the_host_for_what_the_host_packs(self, entry: Entry) -> None:
        for file in entry.get.files:
            assert file.url.startswith("https://codeload.github.com/")
            assert not file.stable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("andrewmvd", "Only 123 of 4,072 faces (3.0 %)"),
        ("pwmfd", "Only 366 of 18,532 faces (2.0 %)"),
        ("rmfd", "41 bare faces for each masked one"),
    ],
)
def test_figures_in_the_problems_follow_from_the_counts(name: str, text: str) -> None:
    counts = SETS[name].counts
    assert any(text in problem.text for problem in SETS[name].problems)
    if name == "rmfd":
        assert round(counts.unmasked / counts.masked) == 41
        return
    total = sum(getattr(counts, label) for label in CLASSES)
    assert f"Only {counts.incorrect} of {total:,} faces ({100 * counts.incorrect / total:.1f} %)" == text


def test_only_names_that_import_does_not_know_need_an_alias() -> None:
    assert SETS["rmfd"].aliases == {}
    assert SETS["fmld"].aliases == {"incorrectly_masked_face": "incorrect", "invalid_face": "ignore"}
    steps = " ".join(SETS["fmld"].get.steps)
    assert all(f"--alias {name}={label}" in steps for name, label in SETS["fmld"].aliases.items())


def test_every_format_that_import_reads_can_be_a_layout() -> None:
    layouts = get_args(get_type_hints(Entry)["layout"])
    assert layouts == (*(format for format in FORMATS if format != "auto"), "lists")


def write(folder: Path, text: str) -> Path:
    (folder / "sets.toml").write_text(text, encoding="utf-8")
    return folder / "sets.toml"


def test_a_catalog_of_ones_own(tmp_path: Path) -> None:
    entry = load(write(tmp_path, GOOD))["faces"]
    assert (entry.name, entry.labels, entry.aliases) == ("faces", ("masked",), {"on": "masked"})
    assert entry.get.files[0].filename == "set.zip"


def test_a_set_may_hold_what_is_not_a_face(tmp_path: Path) -> None:
    text = GOOD.replace('on = "masked"', 'things = "not_a_face"') + "[faces.counts]\nnot_a_face = 965\n"
    entry = load(write(tmp_path, text))["faces"]
    assert (entry.labels, entry.counts.known) == (("not_a_face",), {"not_a_face": 965})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "unknown key faces.titel; did you mean 'title'?"),
        ("accept =", "acept =", "unknown key faces.licence.acept; did you mean 'accept'?"),
        ("url =", "link =", "unknown key faces.get.files[0].link"),
        ('title = "Faces"', "", "faces: "),
        ('title = "Faces"', 'title = "Faces"\nname = "x"', "unknown key faces.name; the set is called as its table"),
        ("accept = false", 'accept = "no"', "faces.licence.accept: expected true or false, got 'no'"),
        ('layout = "classes"', 'layout = "coconut"', "faces.layout: expected one of classes, identities, voc"),
        ('"download"', '"torrent"', "faces.get.how: expected one of download, by hand"),
        ('on = "masked"', 'on = "covered"', "classes.on: 'covered' is not a class; use one of masked, incorrect"),
        ('on = "masked"', "", "classes: say what the class names stand for"),
        ("https://example.org/set.zip", "file:///etc/passwd", "is no http or https address"),
        ("https://example.org/set.zip", "https://me:pw@example.org/set.zip", "no user name or password"),
        ("https://example.org/set.zip", "https://example.org/", "is no plain file name"),
        ("set.zip", 'set.zip", name = "../set.zip', "is no plain file name"),
        ("set.zip", 'set.zip", sha256 = "123', "sha256: '123' is no SHA-256"),
        ('"https://example.org/set.zip"', '"https://a.org/a", bytes = -1', "bytes: -1 is less than nothing"),
        ("set.zip", f'set.zip", stable = false, sha256 = "{"0" * 64}', "has no fixed one; use get.tree_sha256"),
        ('files = [{ url = "https://example.org/set.zip" }]', "", "get.files: a set that is downloaded needs at least"),
        ("zip\" }]", 'zip" }, { url = "https://b.org/SET.zip" }]', "two files have the same name"),
        ('how = "download"', 'how = "by hand"', "get.steps: a set that is got by hand needs at least one step"),
        ('layout = "classes"', 'layout = "classes"\nroot = "../x"', "has to be a path inside what is unpacked"),
        ("[faces", "[Faces", "'Faces' is no name of a set"),
        ("accept = false", "accept = false\n[faces.counts]\nmasked = -1", "counts.masked: -1 is less than nothing"),
        ("\n[faces]\n", "\nfaces = 1\n[x]\n", "expected a table [faces] for each set"),
        ("[faces]", "[faces", "is no TOML"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in GOOD
    count = -1 if old == "[faces" else 1
    text = (
        GOOD.split("[faces.classes]")[0].replace(old, new)
        if new.startswith("\nfaces")
        else GOOD.replace(old, new, count)
    )
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(write(tmp_path, text))
    assert "sets.toml" in str(caught.value)


@pytest.mark.parametrize("problem", ["missing", "folder", "huge", "not text"])
def test_a_catalog_that_cannot_be_read(problem: str, tmp_path: Path) -> None:
    path = tmp_path / "sets.toml"
    if problem == "folder":
        path.mkdir()
    elif problem != "missing":
        path.write_bytes(b"#" * (5 << 20) if problem == "huge" else b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"sets.toml"):
        load(path)


@pytest.mark.parametrize(("name", "message"), [("rmdf", "did you mean 'rmfd'?"), ("zzz", "known are andrewmvd, ")])
def test_a_set_that_is_not_there(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        find(SETS, name)


def test_every_key_of_an_entry_is_described() -> None:
    """The reference names every key that the catalog uses."""
    page = (Path(__file__).parents[2] / "docs/reference/catalog.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE))

    def keys(table: dict[str, Any], before: str = "") -> set[str]:
        found = set()
        for key, value in table.items():
            found.add(before + key)
            if isinstance(value, dict) and key != "classes":
                found |= keys(value, f"{before}{key}.")
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                found |= keys(value[0], f"{before}{key}.")
        return found

    used = set().union(*(keys(table) for table in tomllib.loads(_PUBLIC.read_text(encoding="utf-8")).values()))
    assert used - {"licence", "get", "counts"} <= described
