"""Snapshots of every format, each read with the library of its field where there is one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import gsd.hoomd
import numpy as np
from MDAnalysis.coordinates.core import reader

from pipeline.imported import extxyz, lammps
from pipeline.imported.frames import Frame, rectangular
from pipeline.imported.sources import kind


def frames(path: Path) -> Iterator[Frame]:
    """Snapshots of a trajectory file of any kind."""
    readers: dict[str, Callable[[Path], Iterator[Frame]]] = {
        "lammps": lammps.frames,
        "extxyz": extxyz.frames,
        "gsd": hoomd,
    }
    return readers.get(kind(path) or "", universe)(path)


def hoomd(path: Path) -> Iterator[Frame]:
    """GSD of HOOMD-blue: the box is centred on the origin. Velocities that are all zero are none.

    (MDAnalysis reads GSD as well, without velocities and dimension.)
    """
    with gsd.hoomd.open(str(path), "r") as file:
        for frame in file:
            box = np.asarray(frame.configuration.box, dtype=float)
            rectangular(box[3:], path)
            velocity = np.asarray(frame.particles.velocity)
            yield Frame(
                position=np.asarray(frame.particles.position),
                velocity=velocity if velocity.any() else None,
                lengths=box[:3],
                origin=-0.5 * box[:3],
                periodic=(True, True, True),
                step=int(frame.configuration.step),
                species=np.asarray(frame.particles.typeid, dtype=np.int32),
                dimension=int(frame.configuration.dimensions),
            )


def universe(path: Path) -> Iterator[Frame]:
    """Whatever MDAnalysis reads without a topology: A and ps, where the format has units."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            opened = reader(str(path))
        except Exception as error:  # every reader fails in its own way
            raise ValueError(f"MDAnalysis cannot open {path.name}: {error}") from error
        with opened:
            timed = opened.dt is not None and not any("no dt" in str(w.message) for w in said)
            for ts in opened:
                box = ts.dimensions
                if box is not None:
                    rectangular(90.0 - box[3:] if box[:3].any() else box[3:], path)
                yield Frame(
                    position=ts.positions.copy(),
                    velocity=ts.velocities.copy() if ts.has_velocities else None,
                    lengths=None if box is None else np.array(box[:3], dtype=float),
                    time=float(ts.time) if timed else None,
                    length_unit="A" if opened.units.get("length") else None,
                    time_unit="ps" if opened.units.get("time") and timed else None,
                )
