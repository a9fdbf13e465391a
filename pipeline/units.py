"""Unit conversion, in one place: pixels and frames, physical units, H5MD, reduced units."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError


class Scale(NamedTuple):
    """Physical size of a pixel and of a frame interval; None where nobody has said.

    ``mpp`` is in micrometres per pixel, ``fps`` in frames per second.
    """

    mpp: float | None
    fps: float | None

    @property
    def length(self) -> tuple[float, str]:
        """Length of one pixel and its unit: (mpp, "um") or (1, "px")."""
        return (1.0, "px") if self.mpp is None else (float(self.mpp), "um")

    @property
    def time(self) -> tuple[float, str]:
        """Duration of one frame interval and its unit: (1 / fps, "s") or (1, "frame")."""
        return (1.0, "frame") if self.fps is None else (1.0 / float(self.fps), "s")


class ReducedUnits(NamedTuple):
    """The units of the model: length a (mean neighbour distance), time one snapshot interval."""

    length: float  # [length unit of the trajectory]
    time: float  # [time unit of the trajectory]

    @property
    def velocity(self) -> float:
        """One reduced velocity a / dt in the trajectory's units."""
        return self.length / self.time


# H5MD lengths are written in nm, since MDAnalysis refuses um; a velocity in nm / s is 1e-9 m / s.
H5MD_UNITS = {
    "um": (1e3, "nm"),
    "px": (1.0, ""),
    "1": (1.0, ""),
    "nm": (1.0, "nm"),
    "A": (1.0, "Angstrom"),
}
H5MD_VELOCITY_UNITS = {
    ("um", "s"): (1e-6, "m s-1"),
    ("nm", "ps"): (1.0, "nm ps-1"),
    ("A", "ps"): (1.0, "Angstrom ps-1"),
    ("A", "fs"): (1.0, "Angstrom fs-1"),
}
# Times of a trajectory, as its attribute says.
TIMES = ("1", "s", "ms", "us", "ns", "ps", "fs", "frame")
# Times that readers of H5MD know; others are numbers without a unit.
H5MD_TIMES = ("s", "ns", "ps", "fs")

# Micrometres and seconds of units, by the names that programs and people write, in lower case.
MICROMETRES = {
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("micrometers", "micrometres"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre", "nanometers", "nanometres"), 1e-3),
    **dict.fromkeys(("a", "å", "angstrom", "angstroms", "ångström"), 1e-4),
    "pm": 1e-6,
    "fm": 1e-9,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
    "in": 25400.0,
}
SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("ps", "picosecond", "picoseconds"), 1e-12),
    **dict.fromkeys(("fs", "femtosecond", "femtoseconds"), 1e-15),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
# What people write where numbers are reduced ones, without a unit.
REDUCED = {"", "1", "sigma", "tau", "lj", "reduced", "dimensionless", "none", "sigma tau-1"}
# Units that a trajectory may have, from the largest on.
KEPT_LENGTHS = ("um", "nm", "A")
KEPT_TIMES = ("s", "ms", "us", "ns", "ps", "fs")


class Measured(NamedTuple):
    """A unit: micrometres^length seconds^time, times a factor."""

    factor: float
    length: int
    time: int


def measured(unit: str) -> Measured | None:
    """A unit as H5MD writes it, such as ``nm``, ``60 s``, ``Angstrom ps-1``; None if unknown.

    Factors are numbers, or symbols with a whole power (P. de Buyl et al., module `units` of H5MD
    1.1).
    """
    factor, length, time = 1.0, 0, 0
    for word in unit.split():
        if re.fullmatch(r"\d+(\.\d*)?([eE][+-]?\d+)?", word):
            factor *= float(word)
            continue
        symbol = re.fullmatch(r"(10|[^\W\d]+)([+-]?\d{1,2})?", word)
        name, power = (symbol[1].lower(), int(symbol[2] or 1)) if symbol else ("", 0)
        if name == "10":
            factor *= 10.0**power
        elif name in MICROMETRES:
            factor, length = factor * MICROMETRES[name] ** power, length + power
        elif name in SECONDS:
            factor, time = factor * SECONDS[name] ** power, time + power
        else:
            return None
    return Measured(factor, length, time)


def kept(size: float, sizes: dict[str, float], names: tuple[str, ...]) -> tuple[str, float]:
    """The one of ``names`` that is next below a unit, else the last, and how many make it up.

    Args:
        size: of the unit, as ``sizes`` counts.
    """
    near = 1 - 1e-9  # round-off of factors
    name = next((name for name in names if sizes[name.lower()] * near <= size), names[-1])
    ratio = size / sizes[name.lower()]
    return name, 1.0 if abs(ratio - 1) < 1e-9 else ratio


class FileUnits(NamedTuple):
    """Units of a trajectory, None where its file names none, and what makes its numbers such."""

    length: str | None
    time: str | None
    place: float = 1.0  # times positions and edges of the box
    clock: float = 1.0
    speed: float = 1.0


def file_units(length: float | None, time: float | None, speed: float | None = None) -> FileUnits:
    """Lengths become um, nm or A, times s to fs, whichever is next below; velocities follow them.

    Args:
        length: of the file's unit [um]. time: [s]. speed: [um / s], None where it is length / time.
    """
    named, many = kept(length, MICROMETRES, KEPT_LENGTHS) if length else (None, 1.0)
    timed, ticks = kept(time, SECONDS, KEPT_TIMES) if time else (None, 1.0)
    factor = many / ticks
    if named and timed and speed:
        factor = speed * SECONDS[timed] / MICROMETRES[named.lower()]
    return FileUnits(named, timed, many, ticks, factor)


def neighbour_distance(number_density: float, dimension: int) -> float:
    """Mean neighbour distance a of a close-packed arrangement at the given number density.

    In two dimensions a triangular lattice, a^2 = 2 / (sqrt(3) n); in three a face-centred cubic
    one, a^3 = sqrt(2) / n.

    Args:
        number_density: particles per area or volume [1 / length^D].
        dimension: 2 or 3.
    """
    if not np.isfinite(number_density) or number_density <= 0:
        raise InputError(
            f"The number density must be positive to give a neighbour distance, got "
            f"{number_density}: check that particles were found and that the box is right."
        )
    if dimension == 2:
        return float(np.sqrt(2 / (np.sqrt(3) * number_density)))
    return float((np.sqrt(2) / number_density) ** (1 / 3))
