"""How many steps a rollout needs per snapshot: as many as keep the energy of the forces alone.

A step is the interval of a film unless forces change within it, as those of hard collisions do.
What tells is the reversible part of the model by itself, without friction, noise and medium, from
the film's own snapshots: it has one energy, which an exact step would keep. Brownian motion has
none without its medium: there the whole model tells, its energy less what the medium gave.
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
from pipeline.dynamics.thermal import Conditions
from pipeline.metriplectic.model import Metriplectic
from pipeline.trajectory import Trajectory

DRIFT = 0.01  # over a rollout of the test block, in mean kinetic energies, at most
MOST = 8  # steps per snapshot
MOST_BROWNIAN = 32  # the same where bonds may relax within a fraction of a frame
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
        tried. None is tried of solids, whose edges are moved.
    """
    if conditions.reference is not None or len(window.time) < 3:
        return {"chosen": conditions.substeps, "drift": {}}
    tried, most, what = model, MOST_BROWNIAN, "less what the medium gave"
    if model.bath is None or not model.bath.brownian:
        tried, most, what = _reversible(model), MOST, "of the forces alone"
        conditions = replace(conditions, flow=None)
    found: dict[int, float] = {}
    substeps = conditions.substeps
    while True:
        trial = replace(conditions, substeps=substeps)
        done = rollout(window, tried, trial, 0, progress=False)
        found[substeps] = drift(done.observables, length)
        if found[substeps] < DRIFT or 2 * substeps > most:
            break
        substeps *= 2
    told = ", ".join(f"{100 * value:.2g} % at {k}" for k, value in found.items())
    print(f"Energy {what} drifts along the test block by {told} steps per snapshot.")
    if found[substeps] >= DRIFT:
        print(
            f"warning: the energy {what} drifts by {100 * found[substeps]:.2g} % even at "
            f"{substeps} steps per snapshot: set rollout.substeps higher.",
            file=sys.stderr,
        )
    return {"chosen": substeps, "drift": found}


def _reversible(model: Metriplectic) -> Metriplectic:
    """The model's forces by themselves."""
    alone = copy.deepcopy(model)
    alone.bath, alone.friction = None, NoFriction(model.scales)
    return alone


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
