"""A rollout step from a thousand to a million particles, beside the LAMMPS plugin.

    ./setup python -m benchmarks.rollout_sizes [sites per axis ...]

The spline fluid of `benchmarks.lammps_scaling`, 17 neighbours in the cutoff. The workflow's step
holds what the plugin's does not: the search of neighbours alike, but the log of energy, momentum
and temperature, limits, and the record of every tenth step besides.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import NamedTuple

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch
from tqdm import tqdm

from benchmarks import lammps_scaling
from benchmarks.lammps import DENSITY, RANGES, model
from pipeline.dynamics.compiled import Compiled, chosen
from pipeline.dynamics.rollout import Walk
from pipeline.dynamics.thermal import Conditions
from pipeline.lammps import potential
from pipeline.lammps.rule import potential as exported
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits

SIDES = (10, 22, 47, 100)
DT, SUBSTEPS = 0.01, 10


def fluid(side: int, frames: int) -> Trajectory:
    """The jittered lattice that LAMMPS starts from, standing still for ``frames`` snapshots."""
    rng = np.random.default_rng(1)
    a = DENSITY ** (-1 / 3)
    sites = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
    r = a * sites + rng.uniform(-0.1, 0.1, sites.shape)
    shape = (frames, len(r))
    return Trajectory(
        position=np.broadcast_to(r, (*shape, 3)),
        velocity=np.broadcast_to(rng.normal(size=r.shape), (*shape, 3)),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=np.arange(frames) * DT * SUBSTEPS,
        run=np.zeros(frames, dtype=np.int32),
        particle=np.arange(len(r)),
        species=np.full(len(r), -1, dtype=np.int32),
        box=Box(np.full(3, a * side), (True,) * 3, np.zeros(3)),
        attributes={"dt": DT * SUBSTEPS, "localisation_error": 0.0},
        extra={},
    )


class Took(NamedTuple):
    """What a step took."""

    ours: float  # ns of processor time per particle
    plugin: float
    memory: float  # bytes per particle that the engine holds


def measure(side: int) -> Took:
    """One run of each, in turn."""
    frames = 3 if side > 60 else 6
    window = fluid(side, frames)
    count = len(window.particle)
    conditions = Conditions(ReducedUnits(1.0, 1.0), np.zeros(count), 1.0, substeps=SUBSTEPS)
    law = chosen(conditions.law(model("splines").double()))
    if not isinstance(law, Compiled):
        raise RuntimeError("The rollout does not run by the compiled engine.")
    with torch.inference_mode():
        walk = Walk(window, law, conditions, 0)
        begin = time.process_time()
        _, stopped = walk.run(slice(0, frames), tqdm(disable=True))
        seconds = time.process_time() - begin
    if stopped:
        raise RuntimeError(stopped)
    ours = 1e9 * seconds / ((frames - 1) * SUBSTEPS * count)
    plugin = lammps_scaling.once("metriplectic", 1, side, 40 if side > 60 else 100)
    return Took(ours, 1e9 * plugin.processor / count, law.bytes / count)


def main(sides: tuple[int, ...]) -> None:
    lammps_scaling.FOLDER.mkdir(parents=True, exist_ok=True)
    potential.write(
        lammps_scaling.FOLDER / "fluid.metriplectic", exported(model("splines"), 1.0, RANGES)
    )
    for side in sides:
        took = measure(side)
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{side**3:8d} particles: {took.ours:6.0f} ns of processor per particle and step, "
            f"plugin {took.plugin:6.0f} ({took.ours / took.plugin:.2f} times), "
            f"{took.memory:.0f} bytes per particle in the engine, {peak / 1e6:.0f} MB in all",
            flush=True,
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(tuple(map(int, sys.argv[1:])) or SIDES)
