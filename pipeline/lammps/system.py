"""A particle system as a LAMMPS data file, in the reduced units of the model (units lj)."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np

from pipeline.files import whole
from pipeline.space import Space

FREE, DRIVEN = 1, 2  # atom types


class System(NamedTuple):
    """What a LAMMPS run starts from."""

    r: np.ndarray  # (N, D) [a]
    v: np.ndarray  # (N, D) [a / dt]
    S: np.ndarray  # (N,) [k_B]
    strength: np.ndarray | None  # (N,) factors s_i of the kernel; None: all alike
    driven: np.ndarray  # (N,) bool
    space: Space
    tags: np.ndarray | None = None  # (N,) ascending atom IDs; None: 1 to N
    time: float = 0.0  # that says where the images of a sheared box are [dt]


def write_data(path: str | os.PathLike[str], system: System, mass: float = 1.0) -> None:
    """Writes the data file for ``read_data <path> fix property NULL property``.

    The section of entropies and strengths is named after the fix, as in a file that LAMMPS writes.
    Open axes get a box that just holds the particles. In a sheared box the velocity depends on the
    image: particles are put into the box with the velocity they have there, and their image flags
    say where they come from.
    """
    with whole(path) as partial, partial.open("w") as file:
        file.write("\n".join(_header(system, mass)))
        tags = np.arange(1, len(system.r) + 1) if system.tags is None else system.tags
        kinds = np.where(system.driven, DRIVEN, FREE)
        columns = [system.S] if system.strength is None else [system.S, system.strength]
        r, v, up = _inside(system)
        rest = np.zeros_like(up)
        _section(file, "Atoms # atomic", (tags, kinds), three(r), (rest, up, rest))
        _section(file, "Velocities", (tags,), three(v))
        _section(file, "property", (tags,), np.stack(columns, 1))


def _header(system: System, mass: float) -> list[str]:
    lines = ["Written by pipeline.lammps.system", "", f"{len(system.r)} atoms", "2 atom types"]
    edges = [*_edges(system), (-0.5, 0.5)][:3]
    for axis, (low, high) in zip("xyz", edges, strict=True):
        lines.append(f"{low!r} {high!r} {axis}lo {axis}hi")
    if system.space.rate:
        lines.append(f"{_tilt(system)!r} 0.0 0.0 xy xz yz")
    return [*lines, "", "Masses", "", f"{FREE} {mass!r}", f"{DRIVEN} {mass!r}", ""]


def _edges(system: System) -> list[tuple[float, float]]:
    edges = []
    for k, length in enumerate(system.space.lengths):
        low, high = float(system.r[:, k].min()), float(system.r[:, k].max())
        edges.append((0.0, float(length)) if math.isfinite(length) else (low - 1.0, high + 1.0))
    return edges


def _tilt(system: System) -> float:
    """Displacement in x of the image above, at most half a box length."""
    return math.remainder(system.space.offset(system.time), system.space.lengths[0])


def _inside(system: System) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, velocities (N, D) and counts (N,) of boxes that particles of a sheared box are up.

    Whatever is outside in other directions, and in other boxes, LAMMPS wraps by itself.
    """
    r, v = system.r.copy(), system.v.copy()
    if not system.space.rate:
        return r, v, np.zeros(len(r), dtype=np.int64)
    up = np.floor(r[:, 1] / system.space.lengths[1]).astype(np.int64)
    r[:, 0] -= up * _tilt(system)
    r[:, 1] -= up * system.space.lengths[1]
    v[:, 0] -= up * system.space.slide
    return r, v, up


def three(vectors: np.ndarray) -> np.ndarray:
    """Two- or three-dimensional vectors (N, D) with zeros for the missing axis: (N, 3)."""
    missing = 3 - vectors.shape[1]
    return np.concatenate((vectors, np.zeros((len(vectors), missing))), axis=1)


def _section(
    file,
    title: str,
    first: tuple[np.ndarray, ...],
    numbers: np.ndarray,
    last: tuple[np.ndarray, ...] = (),
) -> None:
    """A line per particle: whole numbers, the columns of ``numbers``, whole numbers."""
    file.write(f"\n{title}\n\n")
    columns = [column.tolist() for column in (*first, *numbers.T, *last)]
    for row in zip(*columns, strict=True):
        file.write(" ".join(map(repr, row)) + "\n")
