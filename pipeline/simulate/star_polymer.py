"""A melt of star polymers, every bead resolved in LAMMPS, seen as its centres of mass.

The paper's star_polymer_11 and star_polymer_51 (appendix G.1.2, table 1): a core and 10 arms of
1 or of 5 beads. Units of Lennard-Jones: length sigma, energy epsilon, time tau, and for the
trajectory the mass of a molecule is its number of beads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.simulate import engine, molecule
from pipeline.trajectory import Box, Trajectory

SCRIPT = Path(__file__).with_suffix(".in")
STEP = 0.005  # tau, of the resolved motion; also in the script
PUSHED = 3000  # steps of the script before the melt relaxes


class StarPolymer(NamedTuple):
    """What `simulate` takes; the defaults are the paper's star_polymer_11."""

    arms: int = 10
    beads: int = 1  # per arm
    polymers: int = 1000
    length: float = 30.18  # edge of the box [sigma]
    dt: float = 0.025  # between frames [tau]
    frames: int = 10400
    equilibration: float = 100.0  # before the record [tau]

    @property
    def mass(self) -> int:
        """Beads of a molecule, each of mass 1."""
        return 1 + self.arms * self.beads


def simulate(options: Mapping[str, Any], seed: int) -> Trajectory:
    """Equilibrates a melt at temperature 1 and records its centres of mass at constant energy.

    Args:
        options: fields of `StarPolymer` that differ from its defaults.
        seed: of places, directions, velocities and thermostat; deterministic on one machine.

    Returns:
        Centres of mass (T, N, 3), wrapped into the box [sigma], and their velocities
        [sigma / tau] at the same moment; everything present and free.

    Raises:
        ValueError: if an option is out of its bounds, or LAMMPS ends with an error.
    """
    chosen = StarPolymer(**options)
    every = _check(chosen)
    with tempfile.TemporaryDirectory(prefix="star_polymer_") as name:
        record, cost = _record(chosen, every, seed, Path(name))
    shape = record.shape[:2]
    return Trajectory(
        position=record[:, :, 1:4] % chosen.length,
        velocity=record[:, :, 4:].copy(),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=np.arange(chosen.frames) * chosen.dt,
        run=np.zeros(chosen.frames, dtype=np.int32),
        particle=np.arange(chosen.polymers),
        species=np.full(chosen.polymers, -1, dtype=np.int32),
        box=Box(np.full(3, chosen.length), (True, True, True), np.zeros(3)),
        attributes=_attributes(chosen, seed) | {"full_order_ms_per_step": cost * every},
        extra={},
    )


def _check(chosen: StarPolymer) -> int:
    """Refuses what cannot be simulated; returns the LAMMPS steps between frames."""
    every = round(chosen.dt / STEP)
    if every < 1 or abs(every * STEP - chosen.dt) > 1e-9:
        raise ValueError(
            f"simulate.dt must be a multiple of the resolved time step {STEP:g}, got "
            f"{chosen.dt:g}: choose {max(every, 1) * STEP:g}."
        )
    density = chosen.mass * chosen.polymers / chosen.length**3
    if not 0.05 <= density <= 0.9:
        raise ValueError(
            f"The density of beads must lie between 0.05 and 0.9 per sigma^3, got {density:.3g}: "
            f"change simulate.polymers or simulate.length (the paper has 0.40)."
        )
    return every


def _record(chosen: StarPolymer, every: int, seed: int, folder: Path) -> tuple[np.ndarray, float]:
    """(frames, N, 7) molecule, centre of mass (unwrapped) and its velocity; ms per LAMMPS step."""
    rng = np.random.default_rng(seed)
    centres = molecule.cores(chosen.polymers, chosen.length, rng)
    molecule.write(folder / "melt.data", centres, chosen.length, (chosen.arms, chosen.beads), rng)
    relax, steps = round(chosen.equilibration / STEP), every * (chosen.frames - 1)
    variables = {
        "data": "melt.data",
        "out": "record.bin",
        "seed": int(rng.integers(1, 2**30)),
        "relax": relax,
        "every": every,
        "steps": steps,
    }
    cost = engine.run(SCRIPT, variables, folder, PUSHED + relax + steps)
    return engine.binary_dump(folder / "record.bin", chosen.frames, chosen.polymers, 7), cost


def _attributes(chosen: StarPolymer, seed: int) -> dict[str, Any]:
    return {
        "dataset": f"star_polymer_{chosen.mass}",
        "length_unit": "1",
        "time_unit": "1",
        "dt": chosen.dt,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
        "seed": seed,
        "temperature": 1.0,
        "mass": chosen.mass,
        **{key: value for key, value in chosen._asdict().items() if key != "dt"},
    }
