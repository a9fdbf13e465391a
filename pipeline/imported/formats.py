"""Snapshots of every format, each read with the library of its field where there is one."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
from MDAnalysis.coordinates.core import reader

from pipeline.errors import InputError
from pipeline.imported import h5md_records
from pipeline.imported.recorded import Frame, plausible, rectangular
from pipeline.imported.sources import kind
from pipeline.imported.text import extxyz, lammps

# Programs whose DCD files do not count time in the format's own unit, by words of the header.
STRANGERS = {"LAMMPS": "LAMMPS", "DCD plugin": "VMD", "HOOMD": "HOOMD-blue"}


def frames(path: Path) -> Iterator[Frame]:
    """Snapshots of a trajectory file of any kind."""
    readers: dict[str, Callable[[Path], Iterator[Frame]]] = {
        "lammps": lammps,
        "extxyz": extxyz,
        "gsd": hoomd,
        "h5md": h5md_records.snapshots,
    }
    return readers.get(kind(path) or "", universe)(path)


def hoomd(path: Path) -> Iterator[Frame]:
    """GSD of HOOMD-blue: the box is centred on the origin. Velocities that are all zero are none.

    (MDAnalysis reads GSD as well, without velocities and dimension.)
    """
    try:
        with gsd.hoomd.open(str(path), "r") as file:
            for number in range(len(file)):
                _check_particles(file, number, path)
                yield _hoomd_snapshot(file[number], path)
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{path.name} cannot be read as GSD: {error}") from error


def _check_particles(file: Any, number: int, path: Path) -> None:
    """Positions must be there: the library fills in zeros, as many as the file may claim."""
    if not file.file.chunk_exists(frame=0, name="particles/position"):
        raise InputError(f"{path.name} holds no positions (particles/position).")
    if file.file.chunk_exists(frame=number, name="particles/N"):
        count = int(file.file.read_chunk(frame=number, name="particles/N")[0])
        plausible(count, path)


def _hoomd_snapshot(frame: Any, path: Path) -> Frame:
    box = np.asarray(frame.configuration.box, dtype=float)
    rectangular(box[3:] * box[:3].max(), box[:3], path)
    velocity, image = np.asarray(frame.particles.velocity), np.asarray(frame.particles.image)
    return Frame(
        position=np.asarray(frame.particles.position),
        velocity=velocity if velocity.any() else None,
        lengths=box[:3],
        origin=-0.5 * box[:3],
        periodic=(True, True, True),
        step=int(frame.configuration.step),
        species=np.asarray(frame.particles.typeid, dtype=np.int32),
        image=image if image.any() else None,
        dimension=int(frame.configuration.dimensions),
    )


def universe(path: Path) -> Iterator[Frame]:
    """Whatever MDAnalysis reads without a topology: A and ps, where the format has units."""
    if (count := _claimed(path)) is not None:
        plausible(count, path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            opened = reader(str(path))
        except Exception as error:  # every reader fails in its own way
            raise InputError(
                f"MDAnalysis cannot open {path.name}: {error}; write it as extended XYZ, GSD or a "
                f"dump of LAMMPS."
            ) from error
        with opened:
            plausible(opened.n_atoms, path)
            _whole(opened, path)
            hint = _foreign_clock(opened)
            timed = opened.dt is not None and not any("no dt" in str(w.message) for w in said)
            units = {} if hint else opened.units
            snapshots, count = iter(opened), 0
            while (ts := _next(snapshots, path)) is not None:
                count += 1
                box = ts.dimensions
                if box is not None:
                    lean = np.cos(np.radians(box[3:])) if box[3:].any() else np.zeros(3)
                    rectangular(lean * box[:3].max(), box[:3], path)
                yield Frame(
                    position=ts.positions.copy(),
                    velocity=ts.velocities.copy() if ts.has_velocities else None,
                    lengths=None if box is None else np.array(box[:3], dtype=float),
                    time=float(ts.time) if timed and not hint else None,
                    length_unit="A" if units.get("length") else None,
                    time_unit="ps" if units.get("time") and timed else None,
                    hint=hint,
                )
            if count < opened.n_frames:
                raise _ended(count, path)
            _refuse_rest(path, opened.n_atoms)


def _whole(opened: Any, path: Path) -> None:
    """Refuses a DCD, XTC or TRR that ends inside a snapshot: their readers pass it over."""
    form, cut = path.suffix.lower(), False
    if form == ".dcd":
        file = opened._file
        rest = path.stat().st_size - file._header_size - file._firstframesize
        cut = rest < 0 or rest % file._framesize != 0
    elif form in (".xtc", ".trr"):
        # How each snapshot begins: one that began after the last that is whole was not finished.
        begin = struct.pack(">ii", *((1995, opened.n_atoms) if form == ".xtc" else (1993, 13)))
        with open(path, "rb") as stored:
            stored.seek(int(opened._xdr.offsets[-1]) + len(begin))
            cut = begin in stored.read()
    if cut:
        raise _ended(opened.n_frames, path)


def _refuse_rest(path: Path, count: int) -> None:
    """Refuses a GRO file of several snapshots, whose reader stops after the first."""
    if path.suffix.lower() == ".gro":
        with open(path, errors="replace") as file:
            lines = sum(bool(line.strip()) for line in file)
        if lines > count + 3:  # a title, a number and a box
            raise InputError(
                f"{path.name} holds {lines / (count + 3):.3g} snapshots, and of GRO files only the "
                f"first is read: write it as XTC or TRR (gmx trjconv)."
            )


def _ended(number: int, path: Path) -> InputError:
    return InputError(
        f"{path.name} ends inside snapshot {number}: it was cut short; copy it again, or write it "
        f"anew without the last snapshot."
    )


def _claimed(path: Path) -> int | None:
    """Number of particles in the header of DCD, XTC and TRR, whose readers do not doubt it."""
    with open(path, "rb") as file:
        start = file.read(1 << 12)
    form = path.suffix.lower()
    try:
        if form in (".xtc", ".trr"):
            return int(struct.unpack_from(">i", start, 4 if form == ".xtc" else 64)[0])
        if form == ".dcd":
            order = "<" if start[:1] == b"T" else ">"  # the length of the first record, 84
            title = struct.unpack_from(f"{order}i", start, 92)[0]
            return int(struct.unpack_from(f"{order}i", start, 104 + title)[0])
    except struct.error:
        return None  # too short to be one: its reader says so
    return None


def _next(snapshots: Iterator[Any], path: Path) -> Any:
    try:
        return next(snapshots, None)
    except Exception as error:  # as above
        raise InputError(f"MDAnalysis cannot read {path.name} to its end: {error}") from error


def _foreign_clock(opened: Any) -> str:
    """A sentence where the header names a program that counts time in a unit of its own.

    The format says AKMA time (48.9 fs); LAMMPS writes that of its unit style, VMD a one.
    """
    header = getattr(getattr(opened, "_file", None), "header", None)
    if not isinstance(header, dict):
        return ""
    remarks = str(header.get("remarks", ""))
    program = next((name for word, name in STRANGERS.items() if word in remarks), None)
    every, step = header.get("nsavc", 0), float(header.get("delta", 0.0))
    if program is None and every * step > 0:
        return ""
    writer = "a program that gives no interval" if program is None else program
    return (
        f"its header says that {writer} wrote it, {every:g} steps of {step:.6g} apart in a unit "
        f"that the file does not name"
    )
