"""A small gas whose law the model holds exactly, as a trajectory to start from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.dynamics.thermal import Conditions
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits

SIDE = 8
CUTOFF = 1.8
LENGTH, TIME = 2.0, 0.5  # reduced units of the model in those of the trajectory


def gas(temperature: float = 1e-3, friction: float = 0.3) -> Metriplectic:
    """Espanol-Revenga gas in two dimensions, heat capacity 20 k_B."""
    torch.manual_seed(0)
    settings = {
        "dimension": 2,
        "cutoff": CUTOFF,
        "temperature": temperature,
        "volume": 0.85,
        "closures": {
            "volume": {"kind": "lucy"},
            "energy": {"kind": "ideal_gas", "atoms": 20.0},
            "friction": {"kind": "revenga", "eta": friction, "zeta": friction, "kappa": 0.3},
            "teacher": {"kind": "uniform"},
        },
    }
    return build(settings).double()


def lattice(frames: int, temperature: float = 1e-3, seed: int = 0, side: int = SIDE) -> Trajectory:
    """A jittered lattice at rest in the mean, standing still for ``frames`` snapshots."""
    rng = np.random.default_rng(seed)
    sites = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) + 0.5
    r = (sites + 0.05 * rng.normal(size=sites.shape)) * LENGTH
    v = rng.normal(size=r.shape) * temperature**0.5 * LENGTH / TIME
    v -= v.mean(0)
    count = len(r)
    attributes = {
        "dataset": "gas",
        "length_unit": "um",
        "time_unit": "s",
        "dt": TIME,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
    }
    return Trajectory(
        position=np.repeat(r[None], frames, 0),
        velocity=np.repeat(v[None], frames, 0),
        present=np.ones((frames, count), dtype=bool),
        driven=np.zeros((frames, count), dtype=bool),
        time=np.arange(frames) * TIME,
        run=np.zeros(frames, dtype=np.int32),
        particle=np.arange(count) + 100,
        species=np.full(count, -1, dtype=np.int32),
        box=Box(np.full(2, side * LENGTH), (True, True), np.zeros(2)),
        attributes=attributes,
        extra={},
    )


def conditions(count: int = SIDE * SIDE, **changes) -> Conditions:
    """Units of the lattice, no latents."""
    made = Conditions(ReducedUnits(LENGTH, TIME), np.zeros(count), temperature=1e-3)
    return replace(made, **changes)


def simulated(frames: int, seed: int = 0, side: int = SIDE, **changes) -> Rollout:
    """The gas after a short equilibration.

    Args:
        changes: of the conditions, e.g. strength; and ``friction`` of the gas, ``before``
            snapshots of equilibration.
    """
    model = gas(friction=changes.pop("friction", 0.3))
    before, settings = changes.pop("before", 30), conditions(side**2, **changes)
    start = lattice(before, side=side)
    first = rollout(start, model, settings, seed, progress=False).trajectory
    start = lattice(frames, side=side)._replace(
        position=np.repeat(first.position[-1:], frames, 0),
        velocity=np.repeat(first.velocity[-1:], frames, 0),
    )
    return rollout(start, model, settings, seed + 1, progress=False)
