"""The systems that are simulated as trajectories, by the kind that a config file names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.simulate import ideal_gas, star_polymer, viscoelastic
from pipeline.trajectory import Trajectory

# Each takes its own options (the keys of its schema but kind, seed and replicas) and a seed, and
# returns a trajectory with length_unit and time_unit "1" and localisation_error 0.
SYSTEMS: dict[str, Callable[[dict[str, Any], int], Trajectory]] = {
    "ideal_gas": ideal_gas.simulate,
    "star_polymer": star_polymer.simulate,
    "viscoelastic": viscoelastic.simulate,
}


def simulate(options: dict[str, Any], dataset: str, replica: int) -> Trajectory:
    """Replica ``replica`` of a system: the same law and options, independent random numbers.

    Args:
        options: the section `simulate` of the settings, with ``kind``.
        dataset: its name, stored with the trajectory.
        replica: 0, 1, ...; the first is the one that models learn from.

    Raises:
        ValueError: if there is no such kind.
    """
    own = {key: value for key, value in options.items() if key not in ("kind", "seed", "replicas")}
    if options["kind"] not in SYSTEMS:
        raise ValueError(
            f"There is no simulated system {options['kind']!r}: choose from {', '.join(SYSTEMS)}."
        )
    made = SYSTEMS[options["kind"]](own, options.get("seed", 0) + replica)
    note = {"dataset": dataset, "replica": replica, "synthetic": True}
    return made._replace(attributes={**made.attributes, **note})
