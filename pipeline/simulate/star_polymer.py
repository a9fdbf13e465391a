"""A melt of star polymers, every bead resolved in LAMMPS, seen as its centres of mass.

It begins with cores set down at random and arms straight out of them. The paper's star_polymer_11
and star_polymer_51 (appendix G.1.2, table 1): a core and 10 arms of 1 or of 5 beads. Units of
Lennard-Jones: length sigma, energy epsilon, time tau, and for the trajectory the mass of a molecule
is its number of beads.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pipeline.errors import InputError
from pipeline.lammps import run
from pipeline.simulate.replicated import STEP, StarPolymer
from pipeline.trajectory import Box, Trajectory

BOND = 0.97  # sigma, the rest length of a FENE bond
APART = 0.755  # least distance of cores over the edge of the volume each has
TRIES = 1000  # random places per core before the box is called full


def cores(count: int, length: float, rng: np.random.Generator) -> np.ndarray:
    """(count, 3) places in a periodic box, none nearer to another than 0.755 (V / N)^(1/3).

    Random sequential insertion: a lattice would leave its order in the melt for longer than one
    can wait.

    Raises:
        InputError: if no place is found for one of them.
    """
    apart = APART * length / count ** (1 / 3)
    placed = np.empty((0, 3))
    while len(placed) < count:
        tree = cKDTree(placed, boxsize=length) if len(placed) else None
        for trial in rng.random((TRIES, 3)) * length:
            if tree is None or tree.query(trial)[0] >= apart:
                placed = np.vstack([placed, trial])
                break
        else:
            raise InputError(
                f"No place was found for core {len(placed) + 1} of {count} at least {apart:.3g} "
                f"from the others in a box of {length:g}: choose another seed."
            )
    return placed


def directions(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly over a sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    height, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def bonds(arms: int, beads: int) -> np.ndarray:
    """(arms * beads, 2) bonded beads of one molecule; 0 is the core, arms follow one by one."""
    beyond = 1 + np.arange(arms * beads)
    inner = np.where((beyond - 1) % beads == 0, 0, beyond - 1)
    return np.stack([inner, beyond], axis=1)


def write(
    path: Path, centres: np.ndarray, length: float, arm: tuple[int, int], rng: np.random.Generator
) -> None:
    """Writes a LAMMPS data file (atom style bond); atom type 1 is the core, 2 a bead of an arm.

    Args:
        path: of the file.
        centres: (N, 3) places of the cores [sigma].
        length: edge of the box [sigma].
        arm: number of arms, and of beads in each.
        rng: turns every molecule its own way.
    """
    arms, beads = arm
    each = 1 + arms * beads
    shells = BOND * np.arange(1, beads + 1)
    star = np.vstack([np.zeros(3), (directions(arms)[:, None] * shells[:, None]).reshape(-1, 3)])
    turns = Rotation.random(len(centres), rng=rng).as_matrix()
    places = (centres[:, None] + star @ turns.transpose(0, 2, 1)).reshape(-1, 3)
    number = np.arange(len(places))
    kind = np.where(number % each == 0, 1, 2)
    atoms = np.column_stack([number + 1, number // each + 1, kind, places])
    first = each * np.arange(len(centres))[:, None, None]
    pairs = (first + bonds(arms, beads) + 1).reshape(-1, 2)
    ties = np.column_stack([np.arange(len(pairs)) + 1, np.ones(len(pairs), dtype=int), pairs])
    with open(path, "w") as file:
        file.write(f"star polymers\n\n{len(atoms)} atoms\n2 atom types\n")
        file.write(f"{len(ties)} bonds\n1 bond types\n\n")
        file.writelines(f"0 {length:.10g} {x}lo {x}hi\n" for x in "xyz")
        file.write("\nMasses\n\n1 1\n2 1\n\nAtoms # bond\n\n")
        np.savetxt(file, atoms, fmt="%d %d %d %.10g %.10g %.10g")
        file.write("\nBonds\n\n")
        np.savetxt(file, ties, fmt="%d")


SCRIPT = Path(__file__).with_suffix(".in")
PUSHED = 3000  # steps of the script before the melt relaxes
SEEDS = 900_000_000  # LAMMPS takes them below that
PIECE = 5e8  # beads times steps of a piece: a minute or so, all that an interruption loses


def simulate(chosen: StarPolymer, seed: int, folder: Path | None = None) -> Trajectory:
    """Equilibrates a melt at temperature 1 and records its centres of mass at constant energy.

    Args:
        chosen: what is simulated.
        seed: of places, directions, velocities and thermostat; deterministic on one machine.
        folder: for the pieces of the run, from which the same run goes on after an interruption;
            left to be deleted when the trajectory is safe. None: they are kept nowhere.

    Returns:
        Centres of mass (T, N, 3), wrapped into the box [sigma], and their velocities
        [sigma / tau] at the same moment; everything present and free.

    Raises:
        InputError: if LAMMPS ends with an error.
    """
    every = round(chosen.dt / STEP)
    with tempfile.TemporaryDirectory(prefix="star_polymer_") as name:
        record, cost = _record(chosen, every, seed, folder or Path(name))
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


def _record(chosen: StarPolymer, every: int, seed: int, folder: Path) -> tuple[np.ndarray, float]:
    """(frames, N, 7) molecule, centre of mass (unwrapped) and its velocity; ms per LAMMPS step."""
    _only(folder, chosen, seed)
    rng = np.random.default_rng(seed)
    centres = cores(chosen.polymers, chosen.length, rng)
    begin = folder / "melt.data"
    write(begin, centres, chosen.length, (chosen.arms, chosen.beads), rng)
    most = max(round(PIECE / (chosen.polymers * chosen.mass * every)), 1) * every
    steps = {
        "melt": [PUSHED],
        "relax": _shares(round(chosen.equilibration / STEP), most) or [0],
        "record": _shares(every * (chosen.frames - 1), most),
    }
    for part, each in steps.items():
        for k, share in enumerate(each):
            variables = {"part": part, "every": every, "steps": share, "begin": begin.name}
            variables["seed"] = int(rng.integers(1, SEEDS))
            begin = _piece(folder, f"{part}{k}", variables)
    pieces = [folder / f"record{k}" for k in range(len(steps["record"]))]
    dumps = [run.dump(piece.with_suffix(".bin")).values for piece in pieces]
    costs = [run.loop(piece.with_suffix(".log")).step for piece in pieces]
    # The first snapshot of a piece is the last one of the piece before.
    record = np.concatenate([dumps[0], *(values[1:] for values in dumps[1:])])
    return record, 1e3 * float(np.average(costs, weights=steps["record"]))


def _only(folder: Path, chosen: StarPolymer, seed: int) -> None:
    """Makes ``folder``, and clears away the pieces of another run in it."""
    decisive = [chosen.parameters(), seed, SCRIPT.read_text()]
    mark, note = json.dumps(decisive, sort_keys=True), folder / "fingerprint"
    if not note.exists() or note.read_text(errors="replace") != mark:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(mark)


def _shares(steps: int, most: int) -> list[int]:
    """Steps in pieces of ``most`` steps and what is left."""
    return [min(most, steps - begun) for begun in range(0, steps, most)]


def _piece(folder: Path, name: str, variables: dict[str, Any]) -> Path:
    """The state at the end of one piece, which is run if it was not before."""
    end, partial = folder / f"{name}.restart", folder / "partial.restart"
    if not end.exists():
        variables = {**variables, "end": partial.name, "out": f"{name}.bin"}
        run.run(folder, SCRIPT, log=f"{name}.log", variables=variables, steps=variables["steps"])
        os.replace(partial, end)
    return end


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
        **{key: value for key, value in chosen.parameters().items() if key != "dt"},
    }
