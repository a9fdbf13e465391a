"""The model at a size that no video has: a monolayer sheared by a needle row.

The needle swings sideways as strain x gap x sin(2 pi t / period). Some periods prepare the sample,
which packs itself as it is sheared; the one after them is recorded.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.dynamics.rollout import Rollout
from pipeline.lammps import potential, run
from pipeline.lammps.case import DATA, INPUT, POTENTIAL
from pipeline.lammps.collect import Dumped, observables, read
from pipeline.lammps.draw import draw
from pipeline.lammps.export import of_learned
from pipeline.lammps.sample import Layers, scatter, thermalised
from pipeline.lammps.script import Settings, script
from pipeline.lammps.system import System, write_data
from pipeline.learn.trained_model import Learned
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits

QUIET, DAMPING = 0.2, 0.3  # length of a step and drag while the sample relaxes
QUARTERS = 4  # snapshots per period of the needle


class Plan(NamedTuple):
    """What is run."""

    particles: int
    relaxation: int  # steps, under a drag, from random positions
    period: int  # steps of the needle
    strain: float  # amplitude of the needle over the gap
    cycles: int  # periods of the needle before the one that is recorded
    seed: int = 0


class Surroundings(NamedTuple):
    """What a run takes from the data and the config."""

    density: float  # [1 / a^2]
    dt: float  # of a step [unit of time of the model]
    ranks: int


def needle(layers: Layers, plan: Plan, dt: float) -> tuple[str, ...]:
    """Commands that swing the needle row; r' = r + v' dt holds, so that its work is accounted."""
    amplitude, turn = plan.strain * layers.gap, 2 * math.pi / plan.period
    first = len(layers.system.r) - layers.needle + 1
    there, before = (f"sin({turn!r}*{when})" for when in ("step", "(step-1)"))
    return (
        f"group needle id {first}:{len(layers.system.r)}",
        f"variable swing equal {amplitude!r}*{there}",
        f"variable speed equal {amplitude / dt!r}*({there}-{before})",
        "variable still equal 0.0",
        "fix swing needle move variable v_swing v_still NULL v_speed v_still NULL",
    )


def run_scaled(
    folder: str | os.PathLike[str], plugin: str, learned: Learned, plan: Plan, world: Surroundings
) -> Layers:
    """Prepares the sample, then shears it through all periods; leaves input, log and dump.

    Args:
        folder: of all files.
        plugin: path of the shared object, from the folder.
        learned: two-dimensional model.
        plan: what is run.
        world: density, length of a step and ranks.

    Raises:
        ValueError: if the model is of three dimensions.
    """
    if learned.model.scales.dimension != 2:
        raise ValueError("Only a model of a monolayer, in two dimensions, is scaled up.")
    folder, made = Path(folder), of_learned(learned)
    potential.write(folder / POTENTIAL, made)
    layers = scatter(folder, plan.particles, world.density, 2 * learned.model.cutoff, plan.seed)
    drawn = draw(made, plan.particles, plan.seed)
    system = layers.system._replace(strength=drawn.strength)
    system = thermalised(system, learned, drawn.z, plan.seed + 1)
    relaxed = _relax(folder, plugin, system, plan, world)
    system = thermalised(system._replace(r=relaxed), learned, drawn.z, plan.seed + 2)
    layers = layers._replace(system=system)
    write_data(folder / DATA, system, float(learned.model.m))
    quarter = plan.period // QUARTERS
    settings = Settings(
        plugin,
        POTENTIAL,
        DATA,
        (plan.cycles + 1) * QUARTERS * quarter,
        plan.seed,
        world.dt,
        quarter,
        max(1, quarter // 20),
    )
    driving = needle(layers, plan, world.dt)
    (folder / INPUT).write_text(
        script(settings, system.space, drawn.strength is not None, driving=driving)
    )
    run.run(folder, INPUT, world.ranks)
    return layers


def _relax(
    folder: Path, plugin: str, system: System, plan: Plan, world: Surroundings
) -> np.ndarray:
    """Positions (N, 2) after the model itself, under a drag, has pushed neighbours apart."""
    write_data(folder / "relax.data", system)
    settings = Settings(
        plugin,
        POTENTIAL,
        "relax.data",
        plan.relaxation,
        plan.seed,
        QUIET * world.dt,
        plan.relaxation,
        max(1, plan.relaxation // 10),
        dump="relax.dump",
    )
    drag = (f"fix drag free viscous {DAMPING / world.dt!r}",)
    text = script(settings, system.space, system.strength is not None, drag)
    (folder / "relax.lammps").write_text(text)
    run.run(folder, "relax.lammps", world.ranks, log="relax.log")
    return run.snapshots(folder / "relax.dump")[2][-1, :, 1:3]


def collect(
    folder: str | os.PathLike[str], layers: Layers, learned: Learned, dt: float, like: Trajectory
) -> Rollout:
    """The last period as a rollout in the units of the data, a snapshot every quarter of it.

    Args:
        folder: where it ran.
        layers: the sample.
        learned: gives the units.
        dt: length of a step [unit of time of the model].
        like: the data, whose attributes it takes over.
    """
    folder, system = Path(folder), layers.system
    units = ReducedUnits(*(float(learned.record["units"][k]) for k in ("length", "time")))
    whole = read(folder / "rollout.dump", system.space)
    seen = Dumped(*(x[-1 - QUARTERS :] for x in whole))
    shape = seen.entropy.shape
    time = seen.steps * dt * units.time
    attributes = {**like.attributes, "localisation_error": 0.0, "dt": float(time[1] - time[0])}
    made = Trajectory(
        position=seen.r * units.length,
        velocity=seen.v * units.velocity,
        present=np.ones(shape, dtype=bool),
        driven=np.broadcast_to(system.driven, shape).copy(),
        time=time,
        run=np.zeros(shape[0], dtype=np.int32),
        particle=np.arange(shape[1]),
        species=np.full(shape[1], -1, dtype=np.int32),
        box=Box(np.array(layers.box) * units.length, (True, False), np.zeros(2)),
        attributes=attributes,
        extra={"entropy": seen.entropy, "temperature": seen.temperature},
    )
    log = folder / "log.lammps"
    totals = observables(seen, log, ~system.driven, float(learned.model.m))
    for name in ("work", "impulse"):
        totals[name] = totals[name] - totals[name][0]  # of this period
    return Rollout(made, {"time": time, **totals}, "", 1e3 * run.loop(log).step)
