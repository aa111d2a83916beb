"""Who does the work, as a verb was told: the three options that belong together, and the engine they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskwise.errors import UsageError

if TYPE_CHECKING:
    from maskwise.engines.engine import Engine

Name = Annotated[Literal["local", "ray"], typer.Option("--engine", help="Cores of this machine, or a Ray cluster.")]
NameIfAny = Annotated[
    Literal["local", "ray"] | None,
    typer.Option("--engine", help="Processes of this machine, or a Ray cluster; threads of one process without."),
]
Address = Annotated[str | None, typer.Option(help="Of a Ray cluster that runs already, or auto; none starts one here.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 takes one for each core.")]


def engine_of(name: str, address: str | None, workers: int) -> Engine:
    """The engine that is named; nothing is started yet.

    Raises:
        UsageError: an address without Ray.
    """
    if name == "ray":
        from maskwise.engines.on_ray import OnRay

        return OnRay(address, workers)
    if address is not None:
        raise UsageError(f"--address {address}: is of a Ray cluster; say --engine ray, too")
    from maskwise.engines.local import Local

    return Local(workers)


def engine_if_asked(name: str | None, address: str | None, workers: int) -> Engine | None:
    """The same where a verb does without one: None if none of the three is given. Workers alone are local.

    Raises:
        UsageError: an address without Ray.
    """
    if name is None and address is None and not workers:
        return None
    return engine_of(name or "local", address, workers)
