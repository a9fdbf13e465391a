"""Wandering gases as files of every format, and what becomes of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import gsd.hoomd
import MDAnalysis
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipeline import schema
from pipeline.imported.assembly import load
from pipeline.imported.settings import Imported
from pipeline.trajectory import Trajectory

RNG = np.random.default_rng(0)
LENGTHS = np.array([8.0, 9.0, 10.0])


def read(
    *paths: Path, band: tuple[float, float] = (1.0, 0.0), edge: str = "auto", **given
) -> Trajectory:
    return load(list(paths), schema.read(Imported, given), (*band, edge), "mine")


def walk(frames: int = 12, count: int = 20, width: float = 0.3) -> np.ndarray:
    """(T, N, 3) a wandering gas that crosses the faces of its box, float32 for the formats."""
    start = RNG.random((1, count, 3)) * LENGTHS
    steps = width * RNG.normal(size=(frames - 1, count, 3))
    path = np.concatenate([start, start + np.cumsum(steps, axis=0)])
    return path.astype(np.float32).astype(float)


def langevin(
    seed: int, friction: float, speed: float = 0.3, frames: int = 15, count: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """(T, N, 3) paths and velocities, time 1 apart, memory lost at ``friction`` per time."""
    rng, substeps = np.random.default_rng(seed), 40
    keep = np.exp(-friction / substeps)
    r, v = rng.random((count, 3)) * LENGTHS, speed * rng.standard_normal((count, 3))
    path, velocity = [r], [v]
    for _ in range(frames - 1):
        for _ in range(substeps):
            before = v
            v = keep * v + speed * np.sqrt(1 - keep**2) * rng.standard_normal(v.shape)
            r = r + 0.5 * (before + v) / substeps
        path.append(r)
        velocity.append(v)
    return np.array(path), np.array(velocity)


def apart(a: np.ndarray, b: np.ndarray, lengths: np.ndarray) -> float:
    """Largest distance between two sets of positions, images aside."""
    gap = a - b
    return float(np.abs(gap - lengths * np.round(gap / lengths)).max())


def xyz(path: Path, r: np.ndarray, comment: str = "tracked") -> Path:
    """Two columns of coordinates behind a name, as a tracking program may write them."""
    with open(path, "w") as file:
        for t, frame in enumerate(r):
            file.write(f"{len(frame)}\n{comment.format(t=t)}\n")
            file.writelines(f"A {' '.join(f'{x:.6f}' for x in row)}\n" for row in frame)
    return path


def dump(
    path: Path,
    r: np.ndarray,
    v: np.ndarray | None = None,
    *,
    ids: bool = True,
    steps: Sequence[int] | None = None,
    bounds: str = "pp pp pp",
    tilt: str = "",
    names: str = "x y z",
) -> Path:
    """A LAMMPS dump; rows with ids come in another order in every snapshot."""
    rng = np.random.default_rng(1)
    columns = f"{'id ' if ids else ''}type {names}{'' if v is None else ' vx vy vz'}"
    with open(path, "w") as file:
        for t, frame in enumerate(r):
            step = 100 * t if steps is None else steps[t]
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(frame)}\n")
            file.write(f"ITEM: BOX BOUNDS {bounds}\n")
            file.writelines(f"0 {x} {tilt}\n" for x in LENGTHS)
            file.write(f"ITEM: ATOMS {columns}\n")
            table = frame if v is None else np.hstack([frame, v[t]])
            for row in rng.permutation(len(frame)) if ids else range(len(frame)):
                words = " ".join(f"{x:.9g}" for x in table[row])
                file.write(f"{f'{row + 1} ' if ids else ''}1 {words}\n")
    return path


def hoomd(path: Path, r: np.ndarray, v: np.ndarray | None = None) -> Path:
    """GSD, a step of 100 between snapshots."""
    with gsd.hoomd.open(str(path), "w") as file:
        for t in range(len(r)):
            frame = gsd.hoomd.Frame()
            frame.configuration.step, frame.configuration.box = 100 * t, [*LENGTHS, 0, 0, 0]
            frame.particles.N, frame.particles.position = r.shape[1], r[t]
            if v is not None:
                frame.particles.velocity = v[t]
            file.append(frame)
    return path


def by_mdanalysis(path: Path, r: np.ndarray, v: np.ndarray | None = None, **options) -> Path:
    """What MDAnalysis writes by the ending of the name, 0.5 ps between snapshots."""
    made = MDAnalysis.Universe.empty(r.shape[1], trajectory=True, velocities=v is not None)
    made.add_TopologyAttr("name", ["B"] * r.shape[1])
    with MDAnalysis.Writer(str(path), r.shape[1], dt=0.5, **options) as writer:
        for t in range(len(r)):
            made.dimensions = [*LENGTHS, 90, 90, 90]
            made.atoms.positions = r[t]
            if v is not None:
                made.atoms.velocities = v[t]
            made.trajectory.ts.data["time"] = 0.5 * t
            made.trajectory.ts.frame = t
            writer.write(made.atoms)
    return path


def extended(path: Path, r: np.ndarray, v: np.ndarray | None = None) -> Path:
    """Extended XYZ with a box, and velocities where there are some."""
    box = " ".join(f"{x}" for x in np.diag(LENGTHS).ravel())
    velo = "" if v is None else ":velo:R:3"
    table = r if v is None else np.concatenate([r, v], axis=2)
    return xyz(path, table, f'Lattice="{box}" Properties=species:S:1:pos:R:3{velo}')


def dcd(path: Path, r: np.ndarray, *, order: str = "<", **header) -> Path:
    """A DCD as NAMD writes it, 0.5 ps between snapshots; ``header`` changes single numbers."""
    told = {"snapshots": len(r), "start": 0, "every": 250, "steps": 250 * len(r)}
    told |= {"delta": 0.002 / 0.04888821, "title": "CREATED BY NAMD", "kind": b"CORD"} | header

    def record(form: str, *values) -> bytes:
        length = struct.pack(f"{order}i", struct.calcsize(order + form))
        return length + struct.pack(order + form, *values) + length

    numbers = [told[key] for key in ("snapshots", "start", "every", "steps")]
    with open(path, "wb") as file:
        file.write(
            record("4s9if10i", told["kind"], *numbers, *[0] * 5, told["delta"], 1, *[0] * 8, 24)
        )
        file.write(record("i80s", 1, told["title"].encode().ljust(80)))
        file.write(record("i", r.shape[1]))
        for frame in r:
            file.write(record("6d", LENGTHS[0], 0, LENGTHS[1], 0, 0, LENGTHS[2]))
            for axis in range(3):
                file.write(record(f"{len(frame)}f", *frame[:, axis]))
    return path


# By the names of the files.
FORMATS = {
    "a.lammpstrj": dump,
    "a.xyz": extended,
    "a.gsd": lambda path, r, v=None: hoomd(path, r - 0.5 * LENGTHS, v),
    "a.trr": by_mdanalysis,
}
WITHOUT_IDS = {
    **FORMATS,
    "a.lammpstrj": lambda path, r, v=None: dump(path, r, v, ids=False),
    "a.dcd": lambda path, r, v=None: by_mdanalysis(path, r),
    "a.xtc": lambda path, r, v=None: by_mdanalysis(path, r),
}
few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 10**6)
