"""What the figures say, in plain words: sentences, warnings and notes for report, terminal and model card.

Each function takes the content of report.json and returns sentences.
"""

from __future__ import annotations

import math
from typing import Any

from maskwise.values import UNCERTAIN

FEW_FACES = 30
FEW_GROUPS = 10
DOMINANT = 0.25
"""Share of a class that one person or scene may make up before the report says so."""

Content = dict[str, Any]


def summary(content: Content) -> list[str]:
    """A sentence for each class that was tested, as a person would say it, for the worst slice, and for no faces."""
    return [
        *(said_of_class(label, figures["recall"]) for label, figures in content["per_class"].items() if figures["n"]),
        content["slices"]["sentence"],
        *([content["not_a_face"]["sentence"]] if content["not_a_face"] else []),
    ]


def said_of_class(label: str, recall: Content) -> str:
    """A recall in words: out of 100 faces, or of 1,000 where so many were tested."""
    of = 1000 if recall["n"] >= 1000 else 100
    low, high = math.floor(recall["low"] * of), math.ceil(recall["high"] * of)
    return (
        f"Out of {of:,} {label} faces, {_of(recall['value'], of)} ({low:,} to {high:,}) are called {label}; "
        f"counted on {faces(recall['n'])}."
    )


def said_of_slices(slices: Content) -> str:
    """The worst slice in words, or that none can be claimed."""
    if not slices["tested"]:
        return f"No kind of face could be compared with the rest: that takes {FEW_FACES} faces on both sides."
    worst = slices["worst"]
    if worst is None:
        return f"No slice is clearly worse than the rest; {slices['tested']} were compared."
    right = worst["accuracy"]
    low, high = math.floor(right["low"] * 100), math.ceil(right["high"] * 100)
    fewer = max(round(-worst["difference"]["value"] * 100), 1)
    return (
        f"Clearly worst slice: {worst['fact']} {worst['name']}. Out of 100 such faces, {_of(right['value'], 100)} "
        f"({low} to {high}) are called what they are, {fewer} fewer than of other faces of the same classes; "
        f"counted on {faces(right['n'])}."
    )


PURPOSES = {
    "balanced": "For everyday.",
    "gate": "For a door: what is not surely masked gets no pass.",
    "statistics": "For counting: every face counts; mistakes cancel if masks are as common as when it was chosen.",
}


def said_of_point(name: str, figures: Content, masked: float) -> str:
    """What an operating point gives and costs, per 100 faces.

    Args:
        name: of the operating point.
        figures: as `maskwise.training.operating_points.figures_at` measures them, in JSON.
        masked: share of the faces that is masked.
    """
    said = [PURPOSES[name]] if name in PURPOSES else []
    said.append(f"Of 100 faces {_per_100(figures['decided'])} get an answer")
    if figures["error"]["n"]:
        said[-1] += f"; of 100 answers {_per_100(figures['error'])} are wrong"
    if figures["passed"]["n"]:
        said.append(f"Of 100 faces without a proper mask {_per_100(figures['passed'])} pass as masked")
    if figures["alarmed"]["n"]:
        said.append(f"Of 100 masked faces {_per_100(figures['alarmed'])} raise a false alarm")
    said.append(f"Of 100 faces {_per_100(figures['called_masked'])} are called masked, {100 * masked:.1f} are")
    return " ".join(sentence.rstrip(".") + "." for sentence in said)


def said_of_no_faces(figures: Content) -> str:
    """What pictures without a face are called.

    Args:
        figures: their number `n`, and by class and for `uncertain` the share of them that gets this answer, in JSON.
    """
    n = figures["n"]
    counts = {answer: round(n * figure["value"]) for answer, figure in figures.items() if answer != "n"}
    called = ", ".join(
        f"{count:,} ({100 * figures[answer]['value']:.1f} %, {_span(figures[answer])}) "
        f"{'is' if count == 1 else 'are'} called {answer}"
        for answer, count in counts.items()
        if answer != UNCERTAIN
    )
    rest = "the others are uncertain" if counts[UNCERTAIN] else "none is uncertain"
    return f"Of {n:,} {'picture' if n == 1 else 'pictures'} without a face {called}; {rest}."


def _per_100(figure: Content) -> str:
    """A share of 100, with its interval."""
    return f"{100 * figure['value']:.1f} ({_span(figure)})"


def _span(figure: Content) -> str:
    """An interval in shares of 100, rounded outwards."""
    low, high = math.floor(1000 * figure["low"] + 1e-9) / 10, math.ceil(1000 * figure["high"] - 1e-9) / 10
    return f"{low:.1f} to {high:.1f}"


def _of(value: float, of: int) -> str:
    """A rounded count that never says all or none where it was not so."""
    count = min(max(round(value * of), 1), of - 1) if 0 < value < 1 else round(value * of)
    return f"{count:,}"


def faces(n: int) -> str:
    """A number of faces."""
    return f"{n:,} face" if n == 1 else f"{n:,} faces"


def warnings(content: Content) -> list[str]:
    """What makes the figures weaker than they look."""
    return [*_unknown(content), *split_warnings(content), *data_warnings(content)]


def data_warnings(content: Content) -> list[str]:
    """What makes the figures of any model weaker: too few faces, too few people, pictures that were not read."""
    return [*_missing(content), *_few(content), *_dominated(content), *_unread(content)]


def notes(content: Content) -> list[str]:
    """What a careful reader wants to know before using the figures elsewhere."""
    data = content["data"]
    said = data_notes(data)
    if content["operating_points"] and content["split_check"] is not None and data["split"] == "validation":
        said.insert(
            0,
            "Temperature and operating points were chosen on these same faces: calibration and operating points look a "
            "little better here than they are.",
        )
    return said


def data_notes(data: Content) -> list[str]:
    """What the data cannot tell, whichever model is asked."""
    said = []
    if not data["named_groups"]:
        said.append(
            "The data does not say which pictures show the same person or scene. Where some do, the intervals are "
            "narrower than they should be."
        )
    if len(data["sources"]) == 1:
        said.append(
            f"All faces come from one source ({data['sources'][0]}). Other cameras and other people can give clearly "
            "worse figures; test on your own pictures before relying on these."
        )
    return said


def _missing(content: Content) -> list[str]:
    return [
        f"No {label} face was tested: nothing is known about how the model judges them."
        for label, figures in content["per_class"].items()
        if figures["n"] == 0
    ]


def _unknown(content: Content) -> list[str]:
    return [
        f"{faces(found['n'])} labelled {label}, a class this model does not know: it cannot be right about them. "
        f"It called {', '.join(f'{n:,} of them {answer}' for answer, n in found['predicted'].items())}. "
        "They are not part of the figures."
        for label, found in content["not_in_model"].items()
    ]


def _few(content: Content) -> list[str]:
    said = []
    for label, figures in content["per_class"].items():
        n, groups = figures["n"], figures["groups"]
        if 0 < n < FEW_FACES:
            said.append(f"Only {faces(n)} labelled {label}: read the intervals, not the figures.")
        elif n and groups < FEW_GROUPS:
            said.append(
                f"The {n:,} {label} faces come from only {groups} independent "
                f"{'group' if groups == 1 else 'groups'} (persons or scenes): new people may be judged differently."
            )
    return said


def _dominated(content: Content) -> list[str]:
    return [
        f"One person or scene makes up {figures['largest_group'] / figures['n']:.0%} of the {label} faces."
        for label, figures in content["per_class"].items()
        if figures["n"] >= FEW_FACES and figures["groups"] > 1 and figures["largest_group"] > DOMINANT * figures["n"]
    ]


def split_warnings(content: Content) -> list[str]:
    """Whether a model has seen what it is tested on."""
    said, check, data = [], content["split_check"] or {}, content["data"]
    groups, duplicates = int(check.get("groups") or 0), int(check.get("duplicates") or 0)
    if groups:
        said.append(
            f"The same people or scenes are on both sides of the split ({groups:,} of them): the model has seen faces "
            "that it is tested on, and does worse on strangers than these figures say."
        )
    if duplicates:
        said.append(f"{duplicates:,} identical pictures are on both sides of the split: they test memory, not sight.")
    if "train" in data["splits"] or (data["split"] is None and _trained_on(content)):
        said.append("The model was trained on some or all of these faces: the figures flatter it.")
    return said


def _trained_on(content: Content) -> bool:
    return (
        content["model"]["trained_on"] is not None and content["model"]["trained_on"] == content["data"]["fingerprint"]
    )


def _unread(content: Content) -> list[str]:
    lost, rows = len(content["unusable"]), content["data"]["rows"]
    if not lost:
        return []
    verb = "is" if lost == 1 else "are"
    return [f"{lost:,} of {rows:,} rows could not be used and {verb} in no figure; the report lists them."]
