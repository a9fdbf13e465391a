"""The two systems on which speed is measured, made by the package itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.dynamics.thermal import Conditions
from pipeline.graphs import Graphs
from pipeline.metriplectic.model import build
from pipeline.simulate import monolayer
from pipeline.simulate.settings import COLLOIDS
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits, neighbour_distance

SIGMA = 0.008  # localisation error of the colloids [a], that of the default data set
FRAMES = 81
SITES = 8  # per axis of the gas
CUTOFF = 0.2  # of the gas, in a box of side 1


class System(NamedTuple):
    """A trajectory with its graphs, as training and rollout take them."""

    name: str
    trajectory: Trajectory
    graphs: Graphs


def colloids() -> System:
    """1500 particles of the sheared monolayer, positions with localisation error.

    Velocities are backward differences, as a tracker would give them.
    """
    chosen = COLLOIDS.replace(
        width=36.0, height=30.0, view=(300, 300), frames=FRAMES + 1, preparation=0
    )
    true = monolayer.simulate(chosen, progress=False)
    rng = np.random.default_rng(1)
    position = true.position + SIGMA * chosen.a_px * rng.standard_normal(true.position.shape)
    seen = true.window(slice(1, FRAMES + 1))._replace(
        position=position[1:],
        velocity=np.diff(position, axis=0),
        attributes={
            **true.attributes,
            "velocity": "backward difference",
            "localisation_error": SIGMA * chosen.a_px,
        },
    )
    return System(f"colloids, {position.shape[1]} in 2D", seen, graphs.build(seen))


def ideal_gas() -> System:
    """500 particles in a unit cube, the analytic gas of Espanol and Revenga run by the package.

    It starts from a jittered lattice, so that no two particles sit on each other.
    """
    rng = np.random.default_rng(0)
    sites = (np.stack(np.meshgrid(*[np.arange(SITES)] * 3), -1).reshape(-1, 3) + 0.5) / SITES
    r = rng.permutation(sites + 0.01 * rng.normal(size=sites.shape))[:500]
    units = ReducedUnits(neighbour_distance(500.0, 3), 1.0)
    T = 1e-3  # velocities of a thirtieth of a per step
    v = rng.normal(size=r.shape) * T**0.5 * units.velocity
    settings = {
        "dimension": 3,
        "cutoff": CUTOFF / units.length,
        "temperature": T,
        "volume": 0.7,
        "closures": {
            "volume": {"kind": "lucy"},
            "energy": {"kind": "ideal_gas", "atoms": 10.0},
            "friction": {"kind": "revenga", "eta": 0.05, "zeta": 0.05, "kappa": 0.05},
            "teacher": {"kind": "uniform"},
        },
    }
    torch.manual_seed(0)
    conditions = Conditions(units, np.zeros(500), temperature=T)
    done = rollout(still(r, v - v.mean(0)), build(settings), conditions, 0, progress=False)
    if done.stopped:
        raise RuntimeError(f"The ideal gas for the benchmark did not run: {done.stopped}")
    made = done.trajectory
    return System("ideal gas, 500 in 3D", made, graphs.build(made, CUTOFF))


def still(r: np.ndarray, v: np.ndarray) -> Trajectory:
    """The frames a rollout is to fill, all of them the first one."""
    shape = (FRAMES, len(r))
    return Trajectory(
        position=np.repeat(r[None], FRAMES, 0),
        velocity=np.repeat(v[None], FRAMES, 0),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=np.arange(FRAMES, dtype=float),
        run=np.zeros(FRAMES, dtype=np.int32),
        particle=np.arange(len(r)),
        species=np.full(len(r), -1, dtype=np.int32),
        box=Box(np.ones(3), (True, True, True), np.zeros(3)),
        attributes={
            "dataset": "ideal_gas",
            "length_unit": "1",
            "time_unit": "1",
            "dt": 1.0,
            "velocity": "measured",
            "localisation_error": 0.0,
            "synthetic": True,
        },
        extra={},
    )
