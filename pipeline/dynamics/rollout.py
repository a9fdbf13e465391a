"""Rollouts: the model's own dynamics from a snapshot of the data, with driven particles led."""

from __future__ import annotations

import copy
import os
import time
from typing import NamedTuple

import h5py
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pipeline import h5md
from pipeline.dynamics.law import Setting
from pipeline.dynamics.walk import Walk
from pipeline.files import whole
from pipeline.trajectory import Trajectory


class Rollout(NamedTuple):
    """What came out; ``stopped`` says why it ended early, or is empty."""

    trajectory: Trajectory
    observables: dict[str, np.ndarray]
    stopped: str
    ms_per_step: float = float("nan")  # CPU time of a step of the integrator


@torch.inference_mode()
def rollout(
    window: Trajectory,
    model: nn.Module,
    conditions: Setting,
    seed: int,
    progress: bool = True,
) -> Rollout:
    """Runs the model over the times of ``window``, from the data at its first snapshot.

    Particles free at every snapshot of the window evolve; all others follow the data while
    present. Where the window holds several runs each starts afresh from its data, and the logged
    work restarts with it. The same seed gives the same rollout. In float64, without autograd.

    Args:
        window: snapshots to follow, usually the test block.
        model: metriplectic or a baseline, learned or analytic.
        conditions: units, limits, steps, and the law by which the model moves particles.
        seed: of all random numbers.
        progress: whether to show a bar.
    """
    model = copy.deepcopy(model).double().cpu().eval()
    walk = Walk(window, conditions.law(model), conditions, seed)
    count, stopped, last = len(window.time), "", 0
    begin = time.process_time()
    with tqdm(total=count, desc="rollout", unit="step", mininterval=1, disable=not progress) as bar:
        for rows in window.stretches():
            last, stopped = walk.run(rows, bar)
            bar.update(1)
            if stopped:
                break
    if stopped:
        stopped = f"Stopped after {last} of {count} snapshots: {stopped}."
    cost = 1e3 * (time.process_time() - begin) / max((last - 1) * conditions.substeps, 1)
    made = recorded(window, walk, last, seed)
    return Rollout(made, walk.log.arrays(window.time, last), stopped, cost)


def recorded(window: Trajectory, walk: Walk, last: int, seed: int) -> Trajectory:
    """What a walk holds of its first ``last`` snapshots, in the units of the data."""
    units, part = walk.conditions.units, window.window(slice(0, last))
    present = walk.lead.present[:last]
    return part._replace(
        position=walk.r[:last] * units.length,
        velocity=walk.v[:last] * units.velocity,
        driven=walk.lead.driven[:last],
        extra={k: np.where(present, field[:last], 0.0) for k, field in walk.fields.items()},
        attributes={**part.attributes, "rollout_seed": seed, "localisation_error": 0.0},
    )


# Units of the logged quantities in reduced units a, dt and particle masses.
UNITS = {
    "time": "time unit of the trajectory",
    "entropy": "k_B",
    "momentum": "m a / dt",
    "impulse": "m a / dt",
}


def write(path: str | os.PathLike[str], result: Rollout, units: dict[str, float]) -> None:
    """Writes rollout.h5: a trajectory with the group /observables; whole or not at all.

    Args:
        path: file to write.
        result: of `rollout`.
        units: values of the reduced units, stored as attributes (length, time).
    """
    with whole(path) as partial:
        h5md.write(partial, result.trajectory)
        with h5py.File(partial, "a") as file:
            group = file.create_group("observables")
            for name, value in result.observables.items():
                group[name] = value
                group[name].attrs["unit"] = UNITS.get(name, "m a^2 / dt^2")
            group.attrs["stopped"] = result.stopped
            group.attrs["ms_per_step"] = result.ms_per_step
            for name, scale in units.items():
                group.attrs[name] = scale


def read_observables(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], str]:
    """The logged quantities of rollout.h5 and why it stopped ("" where it did not)."""
    with h5py.File(path, "r") as file:
        group = file["observables"]
        return {name: group[name][:] for name in group}, str(group.attrs["stopped"])
