"""Energy of one moment: with half a kick its balance closes to second order in the step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.analysis.conservation import balance
from pipeline.dynamics.rollout import rollout
from pipeline.metriplectic.presets import SPLINES
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import LENGTH, TIME, conditions, lattice
from tests.metriplectic.cases import random_model

STEPS = 10
FIELD = {"kind": "walls_field", "low": (0.5,) * 2, "high": (6.5,) * 2, "axes": (0, 1), "reach": 1.5}
AROUND = {
    "led": {},
    "sheared": {},
    "walls and a field": {"external": FIELD, "pair_energy": {"kind": "splines"}},
}


def window(kind: str) -> Trajectory:
    found = lattice(STEPS)
    if kind == "sheared":
        return found._replace(attributes={**found.attributes, "shear_rate": 0.1 / TIME})
    if kind == "led":
        velocity = np.array([0.05, 0.02]) * LENGTH / TIME
        found.driven[:, :8] = True
        found.velocity[:, :8] = velocity
        found.position[:, :8] += velocity * found.time[:, None, None]
        return found
    return found._replace(box=found.box._replace(periodic=(False, False)))


# What holds the temperature of led particles is of first order in the step.
@pytest.mark.parametrize(
    ("kind", "order"), [("led", 1.7), ("sheared", 2.8), ("walls and a field", 3.8)]
)
def test_the_balance_closes_to_second_order(kind: str, order: float) -> None:
    """Halving the step takes off nearly four times, and without the half kick nearly two."""
    closures = {**SPLINES, "friction": {"kind": "none"}, **AROUND[kind]}
    swings = []
    for substeps in (16, 32):
        settings = replace(conditions(substeps=substeps), compiled=False, temperature=0.01)
        model = random_model(kind, 2, closures=closures, temperature=0.01)
        done = rollout(window(kind), model, settings, 0, progress=False)
        assert not done.stopped
        whole = done.observables
        bare = {name: value for name, value in whole.items() if name != "half_kick"}
        # Led particles are at their temperature from the first snapshot on.
        swings.append([np.ptp(balance(x).energy[1:]) for x in (bare, whole)])
    (bare, whole), (bare_half, whole_half) = swings
    assert whole < 0.5 * bare
    assert bare / bare_half < 3.0
    assert whole / whole_half > order
