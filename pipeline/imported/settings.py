"""Settings of trajectories that other programs wrote: what their files do not say."""

from __future__ import annotations

from typing import Literal

from pipeline.schema import Section, key


class Imported(Section):
    """What the files of another program do not say; what is null is as they say."""

    dt: float | None = key(
        "Time between snapshots, in time_unit. Must be given where files hold no times (LAMMPS "
        "dumps without `dump_modify time yes`, GSD, plain XYZ, DCD of some programs).",
        default=None,
        unit="in time_unit",
        above=0,
        most=1e30,
    )
    length_unit: Literal["1", "um", "nm", "A", "px"] | None = key(
        'Unit of the lengths: "1" (reduced), um, nm, A or px. null: as the file says, else '
        "reduced.",
        default=None,
    )
    time_unit: Literal["1", "s", "ms", "us", "ns", "ps", "fs", "frame"] | None = key(
        'Unit of the times: "1", s, ms, us, ns, ps, fs, frame. null: as the file says, else '
        "reduced.",
        default=None,
    )
    box: tuple[float, ...] | None = key(
        "Edges of the box, [x, y] or [x, y, z], which also says how many dimensions count. null: "
        "the file's; without any, all axes are open and end where the particles do. A layer whose "
        "particles keep their z within a quarter of their spacing is two-dimensional then.",
        default=None,
        unit="edges in length_unit",
        entries=(2, 3),
        above=0,
        most=1e30,
    )
    periodic: bool | tuple[bool, ...] | None = key(
        "true, false, or a list of one per axis. null: as the file says, or else every axis along "
        "which there is a box. Open faces get a band of driven particles (trajectory.edge_band).",
        default=None,
        unit="a flag per axis",
        entries=(2, 3),
    )
    velocities: Literal["recorded", "difference"] | None = key(
        "recorded: those of the file, an error if there are none. difference: from the positions, "
        "also where the file has some. null: recorded where there are some, difference where not.",
        default=None,
    )
    position_error: float = key(
        "Standard deviation per component of an error in the positions, in length_unit, such as "
        "that of a tracking program; corrected for in training where velocities are differences.",
        default=0.0,
        unit="in length_unit",
        least=0,
        most=1e30,
    )
