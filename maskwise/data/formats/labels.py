"""What others call the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from maskwise.errors import ConfigError, LabelError
from maskwise.values import INCORRECT, LABELS, MASKED, NOT_A_FACE, UNMASKED

IGNORE = "ignore"
"""The alias of a class whose pictures are left out."""

NAMES: dict[str, tuple[str, ...]] = {
    MASKED: (
        "masked", "mask", "with_mask", "mask_on", "wearing_mask", "wear_mask", "face_mask", "face_with_mask",
        "masked_face", "masked_faces", "correct", "correct_mask", "correctly_masked", "with_correct_mask",
        "mask_worn_correctly", "mask_weared_correct", "proper_mask", "CMFD", "AFDB_masked_face_dataset",
    ),
    INCORRECT: (
        "incorrect", "incorrect_mask", "incorrectly_masked", "with_incorrect_mask", "mask_weared_incorrect",
        "mask_worn_incorrectly", "mask_worn_incorrect", "mask_incorrect", "incorrectly_worn", "improper_mask",
        "wrong_mask", "bad_mask", "partial", "partial_mask", "partially_masked", "IMFD",
    ),
    UNMASKED: (
        "unmasked", "no_mask", "without_mask", "without_masks", "not_masked", "non_masked", "non_mask", "mask_off",
        "face_no_mask", "face_without_mask", "without_face_mask", "no_face_mask", "unmasked_face", "unmasked_faces",
        "not_wearing_mask", "AFDB_face_dataset",
    ),
    NOT_A_FACE: ("not_a_face", "not_face", "no_face", "non_face", "background"),
}  # fmt: skip
"""Names that are known; case, '-', '_', '.' and spaces do not matter."""


def normal(name: str) -> str:
    """A name without what people spell differently."""
    return "".join(letter for letter in name.casefold() if letter not in "-_. ")


_KNOWN = {normal(name): label for label, names in NAMES.items() for name in names}


class Labels:
    """Finds the class that a name in the data stands for.

    aliases: the user's own names; they go before the known ones. Each stands for a class or for `ignore`.
    """

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._own = {normal(name): _target(name, label) for name, label in (aliases or {}).items()}

    def find(self, name: str) -> str | None:
        """The class, `ignore`, or None where the name is not known."""
        return self._own.get(normal(name)) or _KNOWN.get(normal(name))

    def get(self, name: str, where: str) -> str:
        """The class or `ignore`.

        Args:
            name: as the data spells it.
            where: what carries the name, for the error.

        Raises:
            LabelError: the name is not known.
        """
        label = self.find(name)
        if label is None:
            raise LabelError(
                f"{where}: class {name!r} is not known{_nearest(name)}. Say what it is with --alias '{name}=masked' "
                f"(or incorrect, unmasked, not_a_face), or leave it out with --alias '{name}={IGNORE}'"
            )
        return label


def parse_aliases(texts: Iterable[str]) -> dict[str, str]:
    """Read flags of the form NAME=CLASS.

    Raises:
        ConfigError: a flag of another form.
    """
    aliases = {}
    for text in texts:
        name, equals, label = text.rpartition("=")
        if not equals or not name.strip():
            raise ConfigError(f"--alias {text!r}: write NAME=CLASS, as in --alias nomask=unmasked")
        aliases[name.strip()] = label.strip()
    return aliases


def _target(name: str, label: str) -> str:
    target = IGNORE if normal(label) == IGNORE else _KNOWN.get(normal(label))
    if target is None:
        raise LabelError(f"alias {name!r}: {label!r} is not a class; use one of {', '.join((*LABELS, IGNORE))}")
    return target


def _nearest(name: str) -> str:
    near = get_close_matches(normal(name), _KNOWN, n=1, cutoff=0.75)
    if not near:
        return ""
    spelled = next(n for names in NAMES.values() for n in names if normal(n) == near[0])
    return f"; the nearest known name is {spelled!r}, which means {_KNOWN[near[0]]}"
