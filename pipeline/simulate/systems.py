"""The systems that can be simulated, by the kind that a config file names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.schema import Refused, read
from pipeline.simulate.settings import COLLOIDS, MATCHED, IdealGas, Square, StarPolymer, System

if TYPE_CHECKING:
    from pipeline.trajectory import Trajectory

# One line each. A class of settings knows how its system is simulated; `import` of it must be
# light, for it happens at every start of snakemake.
SYSTEMS: dict[str, System] = {
    "monolayer": COLLOIDS,
    "monolayer_matched": MATCHED,
    "star_polymer": StarPolymer(),
    "viscoelastic": Square(),
    "ideal_gas": IdealGas(),
}
SYSTEMS = {kind: system.replace(kind=kind) for kind, system in SYSTEMS.items()}
FILMS = tuple(kind for kind, system in SYSTEMS.items() if system.filmed)


def system(options: Mapping[str, Any]) -> System:
    """The system that the section `simulate` of a config file asks for.

    Raises:
        Refused: if there is no such kind, or it has no such setting.
    """
    if options["kind"] not in SYSTEMS:
        raise Refused(
            [f"There is no simulated system {options['kind']!r}: choose from {', '.join(SYSTEMS)}."]
        )
    found: System = read(SYSTEMS[options["kind"]], options)
    return found


def simulate(system: System, dataset: str, replica: int) -> Trajectory:
    """Replica ``replica`` of a system: the same law and options, independent random numbers.

    Args:
        system: what is simulated; not one that is filmed.
        dataset: its name, stored with the trajectory.
        replica: 0, 1, ...; the first is the one that models learn from.
    """
    made = system.simulate(system.seed + replica, dataset)
    note = {"dataset": dataset, "replica": replica, "synthetic": True}
    return made._replace(attributes={**made.attributes, **note})
