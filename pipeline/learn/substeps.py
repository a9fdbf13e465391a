"""How many steps a rollout needs per snapshot: as many as keep the energy of the forces alone.

A step is the interval of a film unless forces change within it, as those of hard collisions do.
What tells is the reversible part of the model by itself, without friction, noise and medium, from
the film's own snapshots: it has one energy, which an exact step would keep.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.analysis.conservation import balance
from pipeline.closures.friction import NoFriction
from pipeline.dynamics.rollout import rollout
from pipeline.dynamics.steppers import Conditions
from pipeline.metriplectic.model import Metriplectic
from pipeline.trajectory import Trajectory

DRIFT = 0.01  # over a rollout of the test block, in mean kinetic energies, at most
MOST = 8  # steps per snapshot
LONGEST = 400  # snapshots that a trial walks through


def choose(
    model: Metriplectic, conditions: Conditions, window: Trajectory, length: int
) -> dict[str, Any]:
    """Doubles the steps per snapshot until the energy drifts by less than DRIFT.

    Args:
        model: learned.
        conditions: of a rollout of the window, its substeps the fewest to try.
        window: at most LONGEST snapshots to begin from and to lead driven particles by.
        length: snapshots of the rollouts to come, over which the drift counts.

    Returns:
        chosen: steps per snapshot; drift: how far energy gets from work by the number of steps
        tried. None is tried of Brownian motion, which has no energy to keep, and of solids, whose
        edges are moved.
    """
    brownian = model.bath is not None and model.bath.brownian
    if brownian or conditions.reference is not None or len(window.time) < 3:
        return {"chosen": conditions.substeps, "drift": {}}
    reversible = copy.deepcopy(model)
    reversible.bath, reversible.friction = None, NoFriction(model.scales)
    found: dict[int, float] = {}
    substeps = conditions.substeps
    while True:
        trial = replace(conditions, substeps=substeps, flow=None)
        done = rollout(window, reversible, trial, 0, progress=False)
        found[substeps] = drift(done.observables, length)
        if found[substeps] < DRIFT or 2 * substeps > MOST:
            break
        substeps *= 2
    told = ", ".join(f"{100 * value:.2g} % at {k}" for k, value in found.items())
    print(f"Energy of the forces alone along the test block drifts by {told} steps per snapshot.")
    if found[substeps] >= DRIFT:
        print(
            f"warning: the energy of the forces alone drifts by {100 * found[substeps]:.2g} % even "
            f"at {substeps} steps per snapshot: set rollout.substeps higher.",
            file=sys.stderr,
        )
    return {"chosen": substeps, "drift": found}


def drift(observables: dict[str, np.ndarray], length: int) -> float:
    """What the energy balance loses over ``length`` snapshots, in mean kinetic energies.

    Infinite where the rollout stopped before it had three snapshots.
    """
    count = len(observables["time"])
    if count < 3:
        return float("inf")
    left = balance(observables)
    if not np.isfinite(left.energy).all():
        return 0.0  # nothing moves
    swing = float(np.abs(left.energy).max())
    # A fitted trend may overshoot what it is fitted to.
    return max(swing, min(left.drift, swing) * length / count)
