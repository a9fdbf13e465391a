"""The model at a size that no video has: new particles between a wall and a needle row.

    wall      fixed particles, a layer two cutoffs thick, at low y
    free      what moves by the model
    needle    a layer like the wall

The layers have thickness for the reason that the edge band of a video has: the force on a
particle needs its neighbours' volumes, which need theirs. Nobody's numbers are copied: entropies
and strengths are drawn from the laws in the potential file.

A medium that flows with the sample (train.bath_flow: sample) flows here as a liquid in the gap
does, straight from the wall, where it rests, to the needle.

The needle swings sideways as strain x gap x sin(2 pi t / period). Some periods prepare the sample,
which packs itself as it is sheared; the one after them is recorded.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from pipeline import pairs
from pipeline.analysis import plan as plans
from pipeline.analysis import statistics
from pipeline.analysis.conservation import conservation
from pipeline.analysis.metric import Metric
from pipeline.analysis.settings import Statistics
from pipeline.dynamics.rollout import Rollout
from pipeline.errors import InputError
from pipeline.forcing import SampleFlow
from pipeline.lammps import potential, run
from pipeline.lammps.case import DATA, DUMP, INPUT, POTENTIAL, Dumped, observables, read
from pipeline.lammps.export import of_learned
from pipeline.lammps.forms import Stream
from pipeline.lammps.input import Settings, System, script, write_data
from pipeline.lammps.potential import Potential
from pipeline.lammps.settings import Scaled
from pipeline.learn.trained_model import Learned
from pipeline.pairs import State
from pipeline.space import periodic
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits


class Latents(NamedTuple):
    """What particles carry unseen, see `pipeline.learn.latent`."""

    z: np.ndarray  # (N,) entropy offsets [k_B]
    strength: np.ndarray | None  # (N,) factors s_i of the kernel; None where all are alike


def draw(potential: Potential, count: int, seed: int) -> Latents:
    """Latents of ``count`` new particles, as those met in training are distributed.

    Raises:
        InputError: if the file is of a model that was not trained and has no laws.
    """
    if "law.entropy" not in potential.numbers:
        raise InputError("The potential holds no law of latents: export a trained model.")
    rng = np.random.default_rng(seed)
    z, log_s = (
        _inverted(potential.numbers[f"law.{name}"], rng.random(count))
        for name in ("entropy", "log_strength")
    )
    return Latents(z, np.exp(log_s) if potential.numbers["strong"][0] else None)


def _inverted(quantiles: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Values at cumulative probabilities u (N,), from quantiles at equal steps of them."""
    return np.interp(u, np.linspace(0.0, 1.0, len(quantiles)), quantiles)


def audit(made: Rollout, log: str | os.PathLike[str]) -> pd.DataFrame:
    """quantity, value, unit of a run: conservation over its whole length, and cost.

    Args:
        made: its rollout; momentum is known at its snapshots.
        log: of LAMMPS; energy and work are known at every line of it.
    """
    kept, took, totals = conservation(made.observables), run.loop(log), run.thermo(log)
    kinetic = float(totals["KinEng"].mean())
    balance = (totals["TotEng"] - totals["f_integrate[7]"]).to_numpy()
    trend = np.polyfit(np.linspace(0.0, 1.0, len(balance)), balance, 1)[0]
    rows = [
        ("particles", took.particles, ""),
        ("steps", took.steps, ""),
        ("work of the needle", kept["work"], "mean kinetic energy"),
        ("swing of energy minus work", np.ptp(balance) / kinetic, "mean kinetic energy"),
        ("trend of energy minus work", trend / kinetic, "mean kinetic energy over the run"),
        ("momentum minus impulse", kept["momentum_drift"], "N m v"),
        ("entropy production", kept["entropy_production"], "k_B per particle and unit of time"),
        ("ranks", took.ranks, ""),
        ("processor time", 1e6 * took.step / took.particles, "microseconds per particle and step"),
        ("memory", 1e6 * run.memory(log) * took.ranks / took.particles, "bytes per particle"),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "unit"])


SOFT = """\
units lj
dimension 2
boundary p f p
atom_style atomic
region box block 0 {width!r} 0 {height!r} -0.5 0.5
create_box 1 box
create_atoms 1 random {count} {seed} NULL
mass 1 1.0
pair_style soft {reach!r}
pair_coeff * * 0.0
variable strength equal ramp(0.1,20)
fix grow all adapt 1 pair soft a * * v_strength
velocity all create 0.1 {seed}
fix cool all langevin 0.1 0.01 1.0 {seed}
fix walk all nve/limit 0.05
fix walls all wall/reflect ylo EDGE yhi EDGE
fix flat all enforce2d
thermo 200
run 600
write_dump all custom soft.dump id type x y modify sort id format float %.17g
"""


class Layers(NamedTuple):
    """The sample: rows are wall, free, needle, in this order."""

    system: System
    box: tuple[float, float]  # width, periodic, and height [a]
    gap: float  # between the layers [a]
    wall: int  # particles
    needle: int  # particles


def scatter(folder: Path, particles: int, density: float, layer: float, seed: int) -> Layers:
    """Positions without order: soft discs from random places, half as high as wide.

    Args:
        folder: to run in.
        particles: wall and needle included.
        density: particles per area [1 / a^2].
        layer: thickness of wall and needle [a].
        seed: of the places.

    Raises:
        InputError: if the layers would leave no room between them.
    """
    height = math.sqrt(particles / density / 2)
    box = {"width": 2 * height, "height": height, "count": particles, "seed": seed + 1}
    if height < 4 * layer:
        raise InputError(
            f"{particles} particles make a sample {height:.3g} a high, and wall and needle "
            f"take {layer:.3g} each: ask for more (lammps.scaled.particles)."
        )
    # Discs that just touch at this density have no reason to line up at a distance of their own.
    (folder / "soft.lammps").write_text(SOFT.format(**box, reach=density**-0.5))
    run.run(folder, "soft.lammps", log="soft.log")
    r = run.dump(folder / "soft.dump").values[0, :, 2:4]
    for left in ("soft.lammps", "soft.log", "soft.dump"):
        (folder / left).unlink()
    place = np.where(r[:, 1] < layer, 0, np.where(r[:, 1] > height - layer, 2, 1))
    r, place = (x[np.argsort(place, kind="stable")] for x in (r, place))
    nothing = np.zeros(len(r))
    space = periodic((2 * height, height), (True, False))
    system = System(r, np.zeros_like(r), nothing, None, place != 1, space)
    gap = height - 2 * layer
    return Layers(
        system, (2 * height, height), gap, int((place == 0).sum()), int((place == 2).sum())
    )


@torch.inference_mode()
def thermalised(system: System, learned: Learned, z: np.ndarray, seed: int) -> System:
    """Velocities of the mean temperature met in training; entropies by the teacher, plus z (N,)."""
    random, model = np.random.default_rng(seed), learned.model.double()
    T = float(model.k_B) * float(learned.record["seen"]["mean_T"])
    v = random.normal(size=system.r.shape) * math.sqrt(T / float(model.m))
    v[system.driven] = 0.0
    v[~system.driven] -= v[~system.driven].mean(axis=0)
    r = torch.from_numpy(system.r)
    state = State(r, torch.from_numpy(v), torch.zeros(len(r), dtype=torch.float64))
    taught = model.entropy(state, pairs.find(r, system.space, model.cutoff)).numpy()
    return system._replace(v=v, S=taught + z)


QUIET, DAMPING = 0.2, 0.3  # length of a step and drag while the sample relaxes
QUARTERS = 4  # snapshots per period of the needle


class Surroundings(NamedTuple):
    """What a run takes from the data and the config."""

    density: float  # [1 / a^2]
    dt: float  # of a step [unit of time of the model]
    ranks: int

    @classmethod
    def of(
        cls, data: Trajectory, learned: Learned, substeps: int | None, ranks: int
    ) -> Surroundings:
        """As dense as the data, in steps as long as those of rollouts."""
        units = learned.record["units"]
        density = data.number_density() * units["length"] ** 2
        return cls(density, data.dt / units["time"] / learned.substeps(substeps), ranks)


def needle(layers: Layers, plan: Scaled, dt: float) -> tuple[str, ...]:
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


def channel(layers: Layers, plan: Scaled, dt: float, swing: float = 1.0) -> Stream:
    """The flow between wall and needle, linear across the gap; ``swing`` 0 for none."""
    width, height = layers.box
    layer = 0.5 * (height - layers.gap)
    turn = 2 * math.pi / plan.period
    step = np.linspace(0.0, plan.period * (plan.cycles + 1), 40 * (plan.cycles + 1) + 1)
    speed = swing * plan.strain * layers.gap * turn / dt * np.cos(turn * step)
    # (y - layer) / gap by powers of (y - height / 2) / (height / 2).
    across = np.array([0.5 * height - layer, 0.5 * height]) / layers.gap
    coefficients = np.zeros((len(step), 2, 2))
    coefficients[:, :, 0] = speed[:, None] * across
    half = np.array([0.5 * width, 0.5 * height])
    powers = np.array([[0.0, 0.0], [0.0, 1.0]])
    return Stream(SampleFlow(step * dt, powers, coefficients, half, half), 0.0)


def run_scaled(
    folder: str | os.PathLike[str], plugin: str, learned: Learned, plan: Scaled, world: Surroundings
) -> Layers:
    """Prepares the sample, then shears it through all periods; leaves input, log and dump.

    Args:
        folder: of all files.
        plugin: path of the shared object, from the folder.
        learned: two-dimensional model.
        plan: what is run.
        world: density, length of a step and ranks.

    Raises:
        InputError: if the model is of three dimensions or of Brownian motion.
    """
    if learned.model.scales.dimension != 2:
        raise InputError("Only a model of a monolayer, in two dimensions, is scaled up.")
    if learned.model.bath is not None and learned.model.bath.brownian:
        raise InputError(
            "Only a model of inertial motion is scaled up (lammps.scaled), and this one is "
            "Brownian: its mass is the length of the step, and a sample is prepared in other steps."
        )
    folder = Path(folder)
    layers = scatter(folder, plan.particles, world.density, 2 * learned.model.cutoff, plan.seed)
    still, flowing = (
        of_learned(learned, stream=channel(layers, plan, world.dt, x) if learned.flows else None)
        for x in (0.0, 1.0)
    )
    potential.write(folder / POTENTIAL, still)
    drawn = draw(still, plan.particles, plan.seed)
    system = layers.system._replace(strength=drawn.strength)
    system = thermalised(system, learned, drawn.z, plan.seed + 1)
    relaxed = _relax(folder, plugin, system, plan, world)
    system = thermalised(system._replace(r=relaxed), learned, drawn.z, plan.seed + 2)
    layers = layers._replace(system=system)
    potential.write(folder / POTENTIAL, flowing)
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
        dump=DUMP,
    )
    driving = needle(layers, plan, world.dt)
    (folder / INPUT).write_text(
        script(settings, system.space, drawn.strength is not None, driving=driving)
    )
    run.run(folder, INPUT, world.ranks, steps=settings.steps)
    return layers


def _relax(
    folder: Path, plugin: str, system: System, plan: Scaled, world: Surroundings
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
        dump="relax.bin",
    )
    drag = (f"fix drag free viscous {DAMPING / world.dt!r}",)
    text = script(settings, system.space, system.strength is not None, drag)
    (folder / "relax.lammps").write_text(text)
    run.run(folder, "relax.lammps", world.ranks, log="relax.log")
    r = run.dump(folder / "relax.bin").values[-1, :, 1:3]
    for left in ("relax.data", "relax.bin"):
        (folder / left).unlink()
    return r


def collect(
    folder: str | os.PathLike[str], layers: Layers, learned: Learned, dt: float, like: Trajectory
) -> Rollout:
    """The last period as a rollout in the units of the data, a snapshot every quarter of it.

    The dump is removed.

    Args:
        folder: where it ran.
        layers: the sample.
        learned: gives the units.
        dt: length of a step [unit of time of the model].
        like: the data, whose attributes it takes over.
    """
    folder, system = Path(folder), layers.system
    units = ReducedUnits(*(float(learned.record["units"][k]) for k in ("length", "time")))
    whole = read(folder / DUMP, system.space)
    seen = Dumped(*(x[-1 - QUARTERS :] for x in whole))
    (folder / DUMP).unlink()
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
    return Rollout(made, {"time": time, **totals}, "", 1e3 * run.loop(log).step, "LAMMPS")


def measured(
    made: Rollout, spacing: float, asked: Statistics
) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Statistics from one turning point of the needle to the other, and what their file says.

    Args:
        made: the rollout.
        spacing: mean neighbour distance [length].
        asked: those of the data set, whose D2min is measured in the same way.
    """
    part = made.trajectory.window(slice(1, None))
    alike = Statistics(
        d2min_cutoff=asked.d2min_cutoff, d2min_threshold=asked.d2min_threshold, lag=2
    )
    settings = plans.plan(part, spacing, alike)
    found = statistics.measure(part, settings, np.all(part.free, axis=0))
    note = {"source": "lammps_scaled", "stopped": ""}
    return found, statistics.attributes(part, settings) | note
