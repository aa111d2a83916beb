"""What the figures mean, in sentences, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from maskwise.pages.template import percent, span
from maskwise.values import CLASSES

KINDS = (
    "leak",
    "contradiction",
    "duplicate",
    "group",
    "shortcut",
    "label",
    "quality",
    "balance",
    "unusable",
    "against",
)
"""What `--fail-on` takes."""

VERDICTS = {
    "red": "Do not publish a score on this.",
    "amber": "Usable with care.",
    "green": "Usable.",
}
LEVELS = ("green", "amber", "red")

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody who trains on the data has to know.

    kind: one of KINDS.
    level: `red` makes scores on this data worthless, `amber` weakens them, `green` is good to know.
    says: what was found, with its figure.
    do: what to do next; empty where nothing is to be done.
    """

    kind: str
    level: str
    says: str
    do: str = ""

    def to_json(self) -> dict[str, str]:
        """As audit.json holds it."""
        return asdict(self)


def verdict(findings: list[Finding]) -> str:
    """The worst level there is."""
    return max((f.level for f in findings), key=LEVELS.index, default="green")


def find(content: Content) -> list[Finding]:
    """Read the figures of audit.json; the gravest first."""
    found = [
        *_leaks(content), *_expected(content), *_against(content), *_shortcuts(content), *_contradictions(content),
        *_duplicates(content), *_groups(content), *_labels(content), *_balance(content), *_quality(content),
        *_unusable(content),
    ]  # fmt: skip
    return sorted(found, key=lambda f: -LEVELS.index(f.level))


def _interval(figure: Content) -> str:
    return f"{percent(figure['value'])} (95\N{NO-BREAK SPACE}% interval {span(figure)})"


def _leaks(content: Content) -> list[Finding]:
    found = []
    for split, leak in content["leaks"].items():
        twins, together = leak["same_picture"], leak["same_shooting_or_group"]
        if twins["value"]:
            found.append(
                Finding(
                    "leak",
                    "red" if twins["value"] > 0.01 else "amber",
                    f"{_interval(twins)} of the {twins['n']:,} {split} faces are in train as well, as a copy or "
                    "near-duplicate: a score there is partly memory.",
                    "Split again: maskwise data split DATA --by group",
                )
            )
        if together["value"]:
            found.append(
                Finding(
                    "leak",
                    "red" if together["value"] > 0.05 else "amber",
                    f"{_interval(together)} of the {together['n']:,} {split} faces share a person or a shooting with "
                    "train: a score there says less about strangers.",
                    "Split again: maskwise data split DATA --by group",
                )
            )
    return found


def _expected(content: Content) -> list[Finding]:
    share = content["random_split"]
    if content["leaks"] or share["same_picture"] + share["same_shooting_or_group"] == 0:
        return []
    level = "amber" if max(share.values()) > 0.01 else "green"
    says = (
        f"Under a random split in fifths, {percent(share['same_picture'])} of the test pictures would have a copy or "
        f"near-duplicate in train, and {percent(share['same_shooting_or_group'])} one of the same group or shooting."
    )
    return [Finding("leak", level, says, "Do not split at random: maskwise data split DATA --by group")]


def _against(content: Content) -> list[Finding]:
    against = content["against"]
    if not against:
        return []
    shared = against["same_picture"]
    if not shared["value"]:
        says = f"No picture is shared with {against['name']} ({against['faces']:,} faces)."
        return [Finding("against", "green", says)]
    return [
        Finding(
            "against",
            "red" if shared["value"] > 0.01 else "amber",
            f"{_interval(shared)} of the faces are in {against['name']} as well, as a copy or near-duplicate: a model "
            "trained on one and tested on the other is tested on what it has seen.",
            "Leave the shared pictures out of one of the two; pairs.parquet lists them.",
        )
    ]


def _shortcuts(content: Content) -> list[Finding]:
    face = content["face"]
    found = []
    for probe in content["probes"]:
        if probe["level"] == "green" or probe["name"] == "face":
            continue
        balanced, reference = probe["balanced_accuracy"], face["balanced_accuracy"]["value"]
        found.append(
            Finding(
                "shortcut",
                probe["level"],
                f"A probe that sees {probe['sees']} tells the classes apart with a balanced accuracy of "
                f"{_interval(balanced)}; the whole face gives {percent(reference)}. A network can score well here "
                "without looking at a mask.",
                _REMEDY[probe["name"]],
            )
        )
    return found


_REMEDY = {
    "metadata": "Bring all classes to one size and encoding, from the same places, and test on another source.",
    "thumbnail": "Test on another source: what a thumbnail tells is often where a picture comes from.",
    "border": "Cut the faces tightly and alike in all classes, and test on another source.",
    "colours": "Vary colours in training, and test on dark and patterned masks.",
    "box": "Cut all classes by the same detector: maskwise train does where pictures have no box.",
    "source": "Get every class from every source, or leave one source out at a time: data split --by source.",
}


def _contradictions(content: Content) -> list[Finding]:
    n = sum(content["pairs"][kind]["contradicting"] for kind in ("copy", "twin"))
    if not n:
        return []
    share = n / max(content["pictures"], 1)
    says = (
        f"{n:,} pairs of copies or near-duplicates carry different labels: one side is wrong, unless something changed "
        "between two moments."
    )
    return [Finding("contradiction", "red" if share > 0.01 else "amber", says, "Look at them below; correct or drop.")]


def _duplicates(content: Content) -> list[Finding]:
    copy, twin = (content["pairs"][kind]["pairs"] for kind in ("copy", "twin"))
    if not copy + twin:
        return []
    says = (
        f"{copy:,} pictures lie under more than one path, and {twin:,} pairs are near-duplicates "
        f"({content['pairs']['twin']['mirrored']:,} mirrored): there are fewer different pictures than files."
    )
    return [
        Finding("duplicate", "green", says, "A split by group keeps them on one side; dropping all but one is as good.")
    ]


def _groups(content: Content) -> list[Finding]:
    groups = content["groups"]
    found = []
    if not content["probes"]:
        says = "Shortcuts and labels were not probed: that takes two classes, each in two independent groups or more."
        found.append(Finding("group", "amber", says, "Add pictures of other people and places."))
    if groups["new"]:
        says = (
            f"{groups['faces_joined']:,} faces belong to {groups['new']:,} groups that the data does not name "
            f"(the largest has {groups['largest']:,} faces)."
        )
        found.append(Finding("group", "green", says, "manifest.parquet carries them: train and split with it."))
    for label, count in _of_classes(groups["of_class"]).items():
        if count < 30:
            says = f"{label} comes from {count} independent groups only: no bold claim can rest on that."
            found.append(Finding("group", "amber", says, f"Collect more people and places that are {label}."))
    return found


def _labels(content: Content) -> list[Finding]:
    suspects = content["suspects"]
    if not suspects["n"]:
        return []
    says = (
        f"{suspects['contradicted']:,} of {suspects['n']:,} labels are contradicted by a model that never saw their "
        f"face, {suspects['strongly']:,} of them strongly. Many will be hard pictures, some wrong labels."
    )
    level = "amber" if suspects["strongly"] > 0.03 * suspects["n"] else "green"
    return [Finding("label", level, says, "Look through faces.csv from the top: the likeliest errors come first.")]


def _balance(content: Content) -> list[Finding]:
    found = []
    counts = _of_classes(content["labels"])
    total = sum(counts.values())
    for label, n in counts.items():
        if n < 0.05 * total:
            says = f"Only {n:,} of {total:,} faces are {label}: accuracy hides what happens to them."
            found.append(Finding("balance", "amber", says, "Read balanced accuracy and recall, not accuracy."))
    sources = content["sources_of_class"]
    several = len({name for names in sources.values() for name in names}) > 1
    for label, names in sources.items():
        if several and len(names) == 1:
            says = f"All {label} faces come from {names[0]}: the source gives the class away."
            found.append(Finding("balance", "amber", says, f"Get {label} faces from the other sources, too."))
    return found


def _of_classes(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by label, without those of what is no class."""
    return {label: n for label, n in counts.items() if label in CLASSES}


def _quality(content: Content) -> list[Finding]:
    flags, n = content["quality"], content["faces"]
    bad = {name: f["n"] for name, f in flags.items() if f["n"]}
    if not bad:
        return []
    listed = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in bad.items())
    level = "amber" if any(count > 0.1 * n for count in bad.values()) else "green"
    return [Finding("quality", level, f"Flags on single faces: {listed}.", "faces.csv names them.")]


def _unusable(content: Content) -> list[Finding]:
    n = content["unusable"]["n"]
    if not n:
        return []
    level = "amber" if n > 0.02 * (n + content["faces"]) else "green"
    return [Finding("unusable", level, f"{n:,} rows cannot be used; each keeps its reason in manifest.parquet.")]
