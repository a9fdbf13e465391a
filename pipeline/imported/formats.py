"""Snapshots of every format, each read with the library of its field where there is one."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gsd.hoomd
import numpy as np
from MDAnalysis.coordinates.core import reader

from pipeline.errors import InputError
from pipeline.imported import dcd, h5md_records
from pipeline.imported.recorded import Frame, plausible, rectangular
from pipeline.imported.sources import kind
from pipeline.imported.text import extxyz, lammps


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
                f"MDAnalysis cannot open {path.name}: {' '.join(str(error).split())[:300]}; it may "
                f"be cut short; else write it as extended XYZ, GSD or a dump of LAMMPS."
            ) from error
        with opened:
            plausible(opened.n_atoms, path)
            _whole(opened, path)
            timed = opened.dt is not None and not any("no dt" in str(w.message) for w in said)
            clock = _clock(opened, path, timed)
            snapshots, count = iter(opened), 0
            while (ts := _next(snapshots, path)) is not None:
                yield _with_time(_snapshot(ts, opened.units, path), ts, clock, count)
                count += 1
            if count < opened.n_frames:
                raise _ended(count, path)
            _refuse_rest(path, opened.n_atoms)


def _snapshot(ts: Any, units: dict[str, str | None], path: Path) -> Frame:
    """What MDAnalysis found in a snapshot, its time aside."""
    if not ts.has_positions:
        raise InputError(
            f"{path.name} has no positions in snapshot {ts.frame}: positions and velocities were "
            f"written at different times; write both every time (GROMACS: nstxout = nstvout)."
        )
    box = ts.dimensions
    if box is not None:
        lean = np.cos(np.radians(box[3:])) if box[3:].any() else np.zeros(3)
        rectangular(lean * box[:3].max(), box[:3], path)
    return Frame(
        position=ts.positions.copy(),
        velocity=ts.velocities.copy() if ts.has_velocities else None,
        lengths=None if box is None else np.array(box[:3], dtype=float),
        length_unit="A" if units.get("length") else None,
        time_unit="ps" if units.get("time") else None,
    )


class Clock(NamedTuple):
    """How a file that MDAnalysis opened tells its times."""

    timed: bool  # snapshots have times
    interval: float | None = None  # [ps], where the header tells it
    steps: bool = False  # snapshots have numbers of steps
    foreign: bool = False  # units are those of another program
    hint: str = ""
    note: str = ""


def _clock(opened: Any, path: Path, timed: bool) -> Clock:
    form = path.suffix.lower()
    if form != ".dcd":
        return Clock(timed, steps=form in (".xtc", ".trr"))
    found = dcd.header(path)
    if found is None:
        return Clock(False, foreign=True, hint="its header is not of the usual form")
    interval, hint = dcd.interval(found, opened.n_frames)
    note = dcd.counted(found, opened.n_frames, path.name)
    return Clock(interval is not None, interval, foreign=interval is None, hint=hint, note=note)


def _with_time(frame: Frame, ts: Any, clock: Clock, number: int) -> Frame:
    time = float(ts.time) if clock.interval is None else number * clock.interval
    return frame._replace(
        time=time if clock.timed else None,
        step=int(ts.data["step"]) if clock.steps and "step" in ts.data else None,
        length_unit=None if clock.foreign else frame.length_unit,
        time_unit=frame.time_unit if clock.timed else None,
        hint=clock.hint,
        note=clock.note,
    )


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
    form = path.suffix.lower()
    if form == ".dcd":
        found = dcd.header(path)
        return None if found is None else found.particles
    if form not in (".xtc", ".trr"):
        return None
    with open(path, "rb") as file:
        start = file.read(1 << 12)
    try:
        return int(struct.unpack_from(">i", start, 4 if form == ".xtc" else 64)[0])
    except struct.error:
        return None  # too short to be one: its reader says so


def _next(snapshots: Iterator[Any], path: Path) -> Any:
    try:
        return next(snapshots, None)
    except Exception as error:  # as above
        raise InputError(f"MDAnalysis cannot read {path.name} to its end: {error}") from error
