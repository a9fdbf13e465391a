"""What the header of a DCD file says of times, read here: its readers believe all of it.

The format is that of CHARMM, X-PLOR and NAMD: a record of CORD and twenty numbers, titles, the
number of particles. Time is counted in AKMA units there, and by many other programs in their own.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError

AKMA = 0.04888821  # ps, the unit of time of the format
# Programs that count time in another unit, by words of the title.
STRANGERS = {
    "LAMMPS": "LAMMPS",
    "DCD plugin": "VMD",
    "HOOMD": "HOOMD-blue",
    "CP2K": "CP2K",
    "Cpptraj": "cpptraj",
    "MDTraj": "MDTraj",
}
SLACK = 2  # intervals, by which counts of steps differ among programs


class Header(NamedTuple):
    """The header of a DCD file, its numbers as they are written."""

    snapshots: int
    start: int  # first step
    every: int  # steps between snapshots
    steps: int  # in all, or the last one
    delta: float  # time step
    titles: str
    particles: int


def header(path: Path) -> Header | None:
    """The header of a DCD file; None where it is none of the usual form.

    Raises:
        InputError: the file holds velocities in place of positions, or every 0 steps a snapshot.
    """
    with open(path, "rb") as file:
        start = file.read(1 << 14)
    order = "<" if start[:1] == b"T" else ">"  # the length of the first record, 84
    try:
        count, first, every, steps = struct.unpack_from(f"{order}4i", start, 8)
        version = struct.unpack_from(f"{order}i", start, 84)[0]
        delta = struct.unpack_from(f"{order}{'f' if version else 'd'}", start, 44)[0]
        title = struct.unpack_from(f"{order}i", start, 92)[0]
        titles = start[100 : 96 + title].decode("ascii", "replace")
        particles = struct.unpack_from(f"{order}i", start, 104 + title)[0]
    except struct.error:
        return None  # too short, or titles without end: its reader says so
    if start[4:8] == b"VELD":
        raise InputError(f"{path.name} holds velocities in place of positions: give the other DCD.")
    if start[4:8] != b"CORD":
        return None
    if every == 0:
        raise InputError(
            f"The header of {path.name} says that a snapshot was written every 0 steps: it is "
            f"damaged; write it anew, as XTC or a dump of LAMMPS."
        )
    return Header(count, first, every, steps, float(delta), titles, particles)


def interval(found: Header, held: int) -> tuple[float | None, str]:
    """Time between snapshots [ps], or None and what the header says in its place.

    A time step of the format is round in femtoseconds and not in AKMA units.

    Args:
        found: the header. held: number of snapshots in the file.
    """
    said = f"{found.every} steps of {found.delta:.6g} apart"
    program = next((name for word, name in STRANGERS.items() if word in found.titles), None)
    if program is not None or not found.every * found.delta > 0:
        writer = program or "a program that gives no interval"
        unit = "in a unit that the file does not name"
        return None, f"its header says that {writer} wrote it, {said} {unit}"
    if _round(found.delta, 1e-6) and not _round(found.delta * AKMA, 2e-4):
        unit = f"in a unit that is not the format's ({1000 * AKMA:.2f} fs), by its round time step"
        return None, f"its header says {said}, {unit}"
    counts = {found.snapshots, held} - {0}
    if found.steps > 0 and all(_apart(found, count) for count in counts):
        return None, (
            f"its header says {found.steps} steps in all and {found.snapshots} snapshots every "
            f"{found.every} of them, which contradict each other"
        )
    return found.every * found.delta * AKMA, ""


def _apart(found: Header, count: int) -> bool:
    """Whether the steps are neither those of ``count`` snapshots nor the last of their numbers."""
    made = count * found.every
    off = min(abs(found.steps - made), abs(found.steps - found.start - made))
    return off > SLACK * found.every


def _round(value: float, slack: float) -> bool:
    """Whether a number has at most three digits."""
    return abs(float(f"{value:.2e}") / value - 1) < slack


def counted(found: Header, held: int, name: str) -> str:
    """A sentence where the header announces another number of snapshots than there are."""
    if found.snapshots in (0, held):  # 0: of a program that never came back to its header
        return ""
    what = (
        "it was stopped or cut short; what is there was taken"
        if held < found.snapshots
        else "others were appended; are they of one run?"
    )
    return (
        f"The header of {name} announces {found.snapshots} snapshots and it holds {held}: {what}."
    )
