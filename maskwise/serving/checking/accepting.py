"""Which of the kinds of answer that there are a client likes best."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(accept: str, kinds: Sequence[str]) -> str | None:
    """The kind to send (RFC 9110, section 12.5.1).

    Args:
        accept: the header; empty takes anything.
        kinds: media types that can be sent, the usual one first: it wins where the client does not mind.

    Returns:
        None: the client takes none of them.
    """
    if not accept.strip():
        return kinds[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    weights = [_weight(kind, ranges) for kind in kinds]
    best = max(weights)
    return kinds[weights.index(best)] if best > 0 else None


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Of the most exact range that the kind is in; 0: not wanted."""
    weights = dict(ranges)
    for wider in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if wider in weights:
            return weights[wider]
    return 0.0


def _range(part: str) -> tuple[str, float]:
    kind, *options = (piece.strip().lower() for piece in part.split(";"))
    for option in options:
        name, _, value = option.partition("=")
        if name.strip() == "q":
            try:
                return kind, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return kind, 0.0
    return kind, 1.0
