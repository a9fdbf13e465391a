"""A time step of a rollout, in float64 on one thread."""

from __future__ import annotations

import torch
from tqdm import tqdm

from benchmarks.nested_autograd import NestedAutograd
from benchmarks.nested_steps import time_step
from benchmarks.systems import System
from benchmarks.timing import Run, medians
from pipeline.dynamics.compiled import chosen
from pipeline.dynamics.rollout import Walk
from pipeline.dynamics.thermal import Conditions
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.pairs import State
from pipeline.space import periodic

NESTED = "nested autograd, neighbours searched every step"
STEPS = 40  # of ours per measurement, so that the searches of the neighbour list average out
BY_TORCH = "splines, by torch"
KINDS = {
    "splines": Training(),
    BY_TORCH: Training(),
    "networks": Training(closures="networks"),
}


def ours(system: System, settings: Training, compiled: bool) -> Run:
    """A stretch of the package's rollout: led particles, log and limits are all in it.

    The model is the one a training starts from; whether the compiled engine is asked for it.
    """
    task = prepare(system.trajectory, system.graphs, settings, seed=0)
    model = task.learner.model.double().eval()
    window = system.trajectory.window(slice(0, STEPS + 1))
    count = len(window.particle)
    conditions = Conditions(
        task.snapshots.units,
        torch.zeros(count).numpy(),
        task.measured.temperature,
        strength=torch.ones(count).numpy() if task.settings.strength else None,
        compiled=compiled,
    )

    @torch.inference_mode()
    def stretch() -> None:
        walk = Walk(window, chosen(conditions.law(model)), conditions, seed=0)
        done, stopped = walk.run(slice(0, STEPS + 1), tqdm(disable=True))
        if stopped:
            raise RuntimeError(f"The rollout ended after {done} snapshots: {stopped}")

    return stretch


def nested(system: System) -> Run:
    """One step from the first snapshot, with the paper's networks as they are initialised."""
    units, data = system.graphs, system.trajectory
    length = units.neighbour_distance
    space = data.space
    space = periodic([side / length for side in space.lengths])
    torch.manual_seed(0)
    model = NestedAutograd(data.dimension, units.cutoff / length).double()
    r = torch.from_numpy(data.position[0] / length)
    v = torch.from_numpy(data.velocity[0] / length)
    start = State(r, v, torch.zeros(len(r), dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)
    return lambda: time_step(model, start, space, 0.0, generator)


def measure(system: System, repeats: int) -> dict[str, float]:
    """Median milliseconds per step of each alternative."""
    runs = {name: ours(system, kind, name != BY_TORCH) for name, kind in KINDS.items()}
    times = medians({**runs, NESTED: nested(system)}, repeats)
    return {name: value / (1 if name == NESTED else STEPS) for name, value in times.items()}
