"""What a comparison says, in plain words; A and B are the models in the order in which they were given."""

from __future__ import annotations

import math
from typing import Any

from maskwise.statistics.paired import ALL_ONE_WAY
from maskwise.training.remarks import FEW_FACES, data_notes, data_warnings, faces, split_warnings

Content = dict[str, Any]


def verdict(content: Content) -> str:
    """Which model is better, or that no difference can be seen and how large one would have had to be."""
    difference, n = content["accuracy"]["difference"], content["n"]
    if content["clearly"]:
        more = _between(difference, 1000)
        return f"B is {content['clearly']}: of 1,000 faces it judges {more} rightly; counted on {faces(n)}."
    if n < FEW_FACES:
        return f"No difference can be claimed on {faces(n)}: that takes {FEW_FACES}."
    if content["groups"] < ALL_ONE_WAY:
        return (
            f"No difference can be seen, and hardly any could be: the {faces(n)} come from only {content['groups']} "
            "independent groups (persons or scenes)."
        )
    low, high = math.floor(1000 * difference["low"]), math.ceil(1000 * difference["high"])
    return (
        f"No difference can be seen: of 1,000 faces B may judge up to {max(-low, 0)} fewer or {max(high, 0)} more "
        f"rightly. With these {faces(n)}, one of {100 * content['detectable']:.1f} points would have been seen in "
        "about four of five such tests."
    )


def summary(content: Content) -> list[str]:
    """The verdict, then each class in which one of the two is clearly better, and the slices."""
    said = [content["verdict"]]
    for label, figures in content["per_class"].items():
        if figures["clearly"]:
            said.append(f"Of 100 {label} faces B finds {_between(figures['difference'], 100)}.")
    return [*said, *_of_slices(content["slices"])]


def _of_slices(slices: Content) -> list[str]:
    """In how many slices B is worse, in how many better, and in which most."""
    if not slices["tested"]:
        return [f"No slice could be compared: that takes {FEW_FACES} faces in one."]
    said = []
    for clearly in ("worse", "better"):
        found = [s for s in slices["shown"] if s["clearly"] == clearly]
        if found:
            most = max(found, key=lambda s: abs(float(s["difference"]["value"])))
            said.append(
                f"B is {clearly} in {len(found)} of {slices['tested']} slices, most in {most['fact']} {most['name']}: "
                f"of 100 such faces it judges {_between(most['difference'], 100)} rightly; counted on "
                f"{faces(most['n'])}."
            )
    return said or [f"In no slice is one of the two clearly better; {slices['tested']} were compared."]


def warnings(content: Content) -> list[str]:
    """What makes the comparison weaker than it looks."""
    said = [f"{name.upper()}: {text}" for name in content["models"] for text in split_warnings(_seen_by(name, content))]
    said += [
        f"{name.upper()} was tuned on these same faces, the validation part of its own data: they flatter it a little."
        for name, model in content["models"].items()
        if model["split_check"] is not None and content["data"]["split"] == "validation"
    ]
    for name, other in (("a", "B"), ("b", "A")):
        n = content["left_out"].get(f"only_{name}", 0)
        if n:
            said.append(
                f"{other} finds no face in {n:,} rows that {name.upper()} can judge: they are in no figure, though a "
                "face that is not found is not judged rightly either."
            )
    return [*said, *data_warnings(content)]


def notes(content: Content) -> list[str]:
    """What a careful reader wants to know before relying on it."""
    said, labels = [], " and ".join(content["labels"])
    for name, model in content["models"].items():
        more = [label for label in model["labels"] if label not in content["labels"]]
        if more:
            n = content["left_out"].get(f"answered_otherwise_{name}", 0)
            said.append(
                f"Compared on the classes that both know. {name.upper()} also knows {' and '.join(more)}: its answers "
                f"are taken among {labels} only; by itself it would have called {faces(n)} {' or '.join(more)}."
            )
    for label, n in content["left_out"]["labels"].items():
        said.append(f"Left out: {n:,} labelled {label}, which is not a class of both models.")
    said.append("A difference that cannot be seen is not shown to be none: its interval says how large it may be.")
    return [*said, *data_notes(content["data"])]


def _seen_by(name: str, content: Content) -> Content:
    """What is asked of one model: a split of data that it was not trained on says nothing about it."""
    model, data = content["models"][name], content["data"]
    foreign = model["trained_on"] not in (None, data["fingerprint"]) and model["split_check"] is None
    return {
        "model": model,
        "data": data | ({"splits": []} if foreign else {}),
        "split_check": model["split_check"],
    }


def _between(difference: Content, of: int) -> str:
    """A clear difference as counts out of `of`, rounded outwards: `12 to 31 more`."""
    word = "more" if difference["value"] > 0 else "fewer"
    ends = sorted(abs(difference[key]) for key in ("low", "high"))
    low, high = math.floor(of * ends[0] + 1e-9), math.ceil(of * ends[1] - 1e-9)
    return f"{low:,} to {high:,} {word}" if low else f"up to {high:,} {word}"
