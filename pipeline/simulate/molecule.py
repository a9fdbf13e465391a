"""Star polymers as a LAMMPS data file: cores set down at random, arms straight out of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

BOND = 0.97  # sigma, the rest length of a FENE bond
APART = 0.755  # least distance of cores over the edge of the volume each has
TRIES = 1000  # random places per core before the box is called full


def cores(count: int, length: float, rng: np.random.Generator) -> np.ndarray:
    """(count, 3) places in a periodic box, none nearer to another than 0.755 (V / N)^(1/3).

    Random sequential insertion: a lattice would leave its order in the melt for longer than one
    can wait.

    Raises:
        ValueError: if no place is found for one of them.
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
            raise ValueError(
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
