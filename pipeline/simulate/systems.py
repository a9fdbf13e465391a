"""The systems that can be simulated, by the kind that a config file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.simulate.replicated import ElasticNetwork, IdealGas, Square, StarPolymer
from pipeline.simulate.settings import (
    ACTIVE,
    ATTRACTIVE,
    BROWNIAN,
    COLLOIDS,
    DISCS,
    MATCHED,
    System,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.trajectory import Trajectory

# One line each. A class of settings knows how its system is simulated; `import` of it must be
# light, for it happens at every start of snakemake.
SYSTEMS: dict[str, System] = {
    "monolayer": COLLOIDS,
    "monolayer_matched": MATCHED,
    "brownian": BROWNIAN,
    "brownian_attractive": ATTRACTIVE,
    "active": ACTIVE,
    "discs": DISCS,
    "star_polymer": StarPolymer(),
    "viscoelastic": Square(),
    "ideal_gas": IdealGas(),
    "elastic_network": ElasticNetwork(),
}
SYSTEMS = {kind: system.replace(kind=kind) for kind, system in SYSTEMS.items()}
FILMS = tuple(kind for kind, system in SYSTEMS.items() if system.filmed)


def simulate(system: System, dataset: str, replica: int, folder: Path | None = None) -> Trajectory:
    """Replica ``replica`` of a system: the same law and options, independent random numbers.

    Args:
        system: what is simulated; not one that is filmed.
        dataset: its name, stored with the trajectory.
        replica: 0, 1, ...; the first is the one that models learn from.
        folder: for what an interrupted run goes on from; to be deleted when the trajectory is safe.
    """
    made = system.simulate(system.seed + replica, folder)
    source = f"replica{replica}" if replica else "trajectory"
    return made.noting(dataset=dataset, replica=replica, source=source, synthetic=True)
