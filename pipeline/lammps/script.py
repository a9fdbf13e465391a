"""The LAMMPS input script of a run."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.lammps.system import DRIVEN, FREE
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
    dump: str = "rollout.dump"
    ghosts: float = 0.0  # least communication range [a], for bonds longer than the cutoff
    temperature: float | None = None  # of driven particles; None: that of the potential file


THERMO = "step temp ke pe etotal press f_integrate[1] f_integrate[5] " + " ".join(
    f"f_integrate[{k}]" for k in (7, 8, 9, 10)
)


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
        axes = "xyz"[:D]
        columns = " ".join([f"{a}u" for a in axes] + [f"v{a}" for a in axes])
        lines.append(
            f"dump out all custom {settings.every} {settings.dump} id {columns} "
            "d_entropy f_integrate[1]" + (" iy" if space.rate else "")
        )
        lines.append("dump_modify out sort id format float %.17g")
    thermo = [f"thermo_style custom {THERMO}", f"thermo {settings.thermo}"]
    lines += [*thermo, "thermo_modify norm no format float %.15g", *extra]
    return "\n".join([*lines, f"run {settings.steps}", ""])
