"""What a LAMMPS run reads: an input script, and particles as a data file.

Both are in the reduced units of the model (units lj).
"""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np

from pipeline.files import whole
from pipeline.space import Space


class Settings(NamedTuple):
    """What a run does; files are named relative to the folder it runs in."""

    plugin: str
    potential: str
    data: str
    steps: int
    seed: int
    dt: float = 1.0  # of a step [snapshot interval]
    every: int = 1  # steps between dumped snapshots; 0 for none
    thermo: int = 1  # steps between lines of the log
    skin: float = 0.3  # of the neighbour list [a]
    dump: str = "rollout.dump"  # text; binary where it ends in .bin, in a twentieth of the time
    ghosts: float = 0.0  # least communication range [a], for bonds longer than the cutoff
    temperature: float | None = None  # of driven particles; None: that of the potential file
    bath: bool = False  # whether the log tells what a bath gave


THERMO = "step temp ke pe etotal press f_integrate[1] f_integrate[5]"
GIVEN, BATH = range(7, 11), range(11, 17)  # components of the fix: from outside; the bath's part


def script(
    settings: Settings,
    space: Space,
    strong: bool,
    extra: tuple[str, ...] = (),
    driving: tuple[str, ...] = (),
) -> str:
    """Text of the input script.

    In a sheared box the dump says besides which image a particle is of, for its velocity.

    Args:
        settings: of the run.
        space: geometry of the system; a shear rate becomes fix deform.
        strong: whether particles have strengths.
        extra: commands before the run: forces, computes, output.
        driving: fixes that move the group ``driven``; they stand before the integrator, which
            needs the velocities they give; without one driven particles stand still.
    """
    D = space.dimension
    boundary = ["p" if on else "s" for on in (*space.periodic, *[True] * (3 - D))]
    properties = "d_entropy d_strength" if strong else "d_entropy"
    held = "" if settings.temperature is None else f" temperature {settings.temperature!r}"
    lines = [
        f"plugin load {settings.plugin}",
        "units lj",
        f"dimension {D}",
        f"boundary {' '.join(boundary)}",
        "atom_style atomic",
        "atom_modify map yes",  # solids find their bonds by tag
        "newton on",
        "comm_modify vel yes" + (f" cutoff {settings.ghosts!r}" if settings.ghosts else ""),
        f"fix property all property/atom {properties}",
        f"pair_style metriplectic {settings.seed}",
        f"read_data {settings.data} fix property NULL property",
        f"pair_coeff * * {settings.potential}",
        f"neighbor {settings.skin!r} bin",
        "neigh_modify every 1 delay 0 check yes",
        f"timestep {settings.dt!r}",
        f"group free type {FREE}",
        f"group driven type {DRIVEN}",
        *driving,
    ]
    if space.rate:
        lines.append(f"fix flow all deform 1 xy erate {space.rate!r} remap v flip yes")
    lines.append("fix integrate free metriplectic" + held)
    if settings.every:
        text = "" if settings.dump.endswith(".bin") else " format float %.17g"
        axes = "xyz"[:D]
        columns = " ".join([f"{a}u" for a in axes] + [f"v{a}" for a in axes])
        lines.append(
            f"dump out all custom {settings.every} {settings.dump} id {columns} "
            "d_entropy f_integrate[1]" + (" iy" if space.rate else "")
        )
        lines.append("dump_modify out sort id" + text)
    told = [f"f_integrate[{k}]" for k in (*GIVEN, *(BATH if settings.bath else ()))]
    thermo = [f"thermo_style custom {THERMO} {' '.join(told)}", f"thermo {settings.thermo}"]
    lines += [*thermo, "thermo_modify norm no format float %.15g", *extra]
    return "\n".join([*lines, f"run {settings.steps}", ""])


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
    lines = ["Written by pipeline.lammps.input", "", f"{len(system.r)} atoms", "2 atom types"]
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
