"""Settings of trajectories that other programs wrote: what their files do not say."""

from __future__ import annotations

from typing import Literal, Protocol

from pipeline.schema import Section, key
from pipeline.video.settings import Detect, Link, Reading


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


Column = str | int | None


class Columns(Section):
    """Which columns of a table they are, by name, or by number where columns have no names."""

    particle: Column = key(
        "The label of the track. null: particle, track_id, ... whatever is known by its name.",
        default=None,
        unit="a name or a number",
        least=0,
        most=10_000,
    )
    frame: Column = key(
        "Number of the frame in the film. null: frame, t, ...; times are counted in video.fps.",
        default=None,
        unit="a name or a number",
        least=0,
        most=10_000,
    )
    x: Column = key(
        "Position to the right. null: x, position_x, ...",
        default=None,
        unit="a name or a number",
        least=0,
        most=10_000,
    )
    y: Column = key(
        "Position downwards. null: y, position_y, ...",
        default=None,
        unit="a name or a number",
        least=0,
        most=10_000,
    )

    def named(self) -> dict[str, str | int]:
        """Role -> name or number, of the columns that were named."""
        roles = {"particle": self.particle, "frame": self.frame, "x": self.x, "y": self.y}
        return {role: name for role, name in roles.items() if name is not None}


class Tracks(Section):
    """What a table of tracks does not say; what is null is as it says."""

    use: bool = key(
        "Take the tables in data/<name>/ in place of tracking. false: track the film beside them.",
        default=True,
    )
    columns: Columns = key(
        "Which columns they are, by name, or by number from 0 where columns have no names.",
        default=Columns(),
    )
    length_unit: Literal["px", "um", "nm", "mm"] | None = key(
        "Unit of x and y: px, um, nm or mm. null: as the table says, else px. Lengths need "
        "video.mpp where a film lies beside the table.",
        default=None,
    )
    corrected: bool = key(
        "Whether positions are those of the corrected film (video.pixel_aspect, video.crop) and "
        "not of the film as it was recorded.",
        default=False,
    )


class Asked(Protocol):
    """The sections of the settings that tell how tables become tracks."""

    @property
    def video(self) -> Reading: ...
    @property
    def detect(self) -> Detect: ...
    @property
    def link(self) -> Link: ...
    @property
    def tracks(self) -> Tracks: ...
